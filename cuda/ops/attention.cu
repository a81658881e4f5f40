// SPDX-License-Identifier: MIT
#include "core/ops/attention.h"
#include "cuda/kernels/attention_tile.cuh"
#include "cuda/kernels/dispatch.h"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

/// Softmax of the scores of one tile of keys, with the running maximum and sum of every row (Milakov and
/// Gimelshein 2018). Earlier sums must be multiplied by `keep`.
template <int Rows>
__device__ void softmax_step(float (&s)[Rows][Rows], float scale, std::int64_t keys, float (&largest)[Rows],
                             float (&total)[Rows], float (&keep)[Rows]) {
  for (int i = 0; i < Rows; ++i) {
    float most = largest[i];
    for (int j = 0; j < Rows; ++j) {
      s[i][j] = static_cast<int>(threadIdx.x) + kSide * j < keys ? scale * s[i][j] : -INFINITY;
      most = larger(most, s[i][j]);
    }
    most = row_largest(most);
    float sum = 0;
    for (int j = 0; j < Rows; ++j) {
      s[i][j] = std::exp(s[i][j] - most);
      sum += s[i][j];
    }
    keep[i] = std::exp(largest[i] - most);
    total[i] = keep[i] * total[i] + row_total(sum);
    largest[i] = most;
  }
}

/// One tile of queries against all keys. Up to 128 tokens fit in one tile of each, so q, k and v are read
/// once. With more, y is rescaled whenever the maximum increases (Dao et al. 2022, algorithm 1).
template <int Rows, class T>
__global__ void __launch_bounds__(kSide* kSide)
    attention_forward_kernel(Heads at, T* y, float* log_sum, const T* qkv, float scale) {
  constexpr int kTokens = kSide * Rows;
  SharedTiles<Rows> memory(at.head);
  const HeadTile q = memory.head_tile(), k = memory.head_tile(), v = memory.head_tile();
  const ScoreTile<Rows> p = memory.score_tile();
  const HeadTile sums = memory.head_tile();  // y so far; used only with a second tile of keys
  const std::int64_t first = std::int64_t{blockIdx.y} * kTokens;
  const HeadRows<T> out = at.output(y, first);
  const int row = static_cast<int>(threadIdx.y);
  float largest[Rows], total[Rows] = {}, keep[Rows];
  for (int i = 0; i < Rows; ++i) largest[i] = -INFINITY;
  load_tile<Rows>(q, at.part(qkv, 0, first));
  for (std::int64_t key = 0; key < at.tokens; key += kTokens) {
    __syncthreads();  // k, v of the previous iteration have been read
    load_tile<Rows>(k, at.part(qkv, 1, key));
    load_tile<Rows>(v, at.part(qkv, 2, key));
    __syncthreads();
    float s[Rows][Rows];
    score(s, q, k);
    softmax_step(s, scale, at.tokens - key, largest, total, keep);
    p.store(s);
    __syncwarp();  // the 16 threads of a row are in one warp and read only that row
    const bool last = key + kTokens >= at.tokens;
    multiply(p, v, [&](int i, int column, float value) {
      float* sum = sums.row(row + kSide * i) + column;  // private to this thread
      if (key > 0) value += keep[i] * *sum;
      if (last) {
        store_element(out, row + kSide * i, column, value / total[i]);
      } else {
        *sum = value;
      }
    });
  }
  if (threadIdx.x != 0) return;
  for (int i = 0; i < Rows; ++i) {
    const std::int64_t token = first + row + kSide * i;
    if (token < at.tokens) log_sum[blockIdx.x * at.tokens + token] = largest[i] + std::log(total[i]);
  }
}

/// Values at this thread's rows of (batch, heads, tokens); 0 beyond the last token.
template <int Rows>
__device__ void load_rows(float (&to)[Rows], const float* from, std::int64_t first, std::int64_t tokens) {
  for (int i = 0; i < Rows; ++i) {
    const std::int64_t token = first + static_cast<int>(threadIdx.y) + kSide * i;
    to[i] = token < tokens ? from[blockIdx.x * tokens + token] : 0.0f;
  }
}

/// p and dp of a tile of queries against a tile of keys. Rows beyond the last query get dp = 0, which adds
/// nothing to any gradient.
template <int Rows>
__device__ void tile_gradients(float (&p)[Rows][Rows], float (&dp)[Rows][Rows], const HeadTile& q,
                               const HeadTile& k, const HeadTile& v, const HeadTile& g, float scale,
                               const float (&logs)[Rows], std::int64_t keys) {
  score(p, q, k);
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Rows; ++j) {
      const bool inside = static_cast<int>(threadIdx.x) + kSide * j < keys;
      p[i][j] = inside ? std::exp(scale * p[i][j] - logs[i]) : 0.0f;
    }
  }
  score(dp, g, v);
}

/// Turns dp into ds = p (dp - dot).
template <int Rows>
__device__ void score_gradient(float (&dp)[Rows][Rows], const float (&p)[Rows][Rows],
                               const float (&dot)[Rows]) {
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Rows; ++j) dp[i][j] = p[i][j] * (dp[i][j] - dot[i]);
  }
}

/// dot_i += sum_j p_ij dp_ij over this thread's keys.
template <int Rows>
__device__ void add_dot(float (&dot)[Rows], const float (&p)[Rows][Rows], const float (&dp)[Rows][Rows]) {
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Rows; ++j) dot[i] += p[i][j] * dp[i][j];
  }
}

/// Up to 128 tokens: one block computes a whole head, so that nothing is computed twice and every gradient
/// has one writer. p and ds share one matrix in turn.
template <int Rows, class T>
__global__ void __launch_bounds__(kSide* kSide)
    attention_backward_kernel(Heads at, T* dqkv, const T* dy, const T* qkv, const float* log_sum,
                              float scale) {
  SharedTiles<Rows> memory(at.head);
  const HeadTile q = memory.head_tile(), k = memory.head_tile(), v = memory.head_tile(),
                 g = memory.head_tile();
  const ScoreTile<Rows> m = memory.score_tile();
  const auto store_to = [&at, dqkv](int part, float factor) {
    return [to = at.part(dqkv, part, 0), factor](int i, int column, float value) {
      store_element(to, static_cast<int>(threadIdx.y) + kSide * i, column, factor * value);
    };
  };
  load_tile<Rows>(q, at.part(qkv, 0, 0));
  load_tile<Rows>(k, at.part(qkv, 1, 0));
  load_tile<Rows>(v, at.part(qkv, 2, 0));
  load_tile<Rows>(g, at.output(dy, 0));
  float logs[Rows], dot[Rows] = {}, p[Rows][Rows], ds[Rows][Rows];
  load_rows(logs, log_sum, 0, at.tokens);
  __syncthreads();
  tile_gradients(p, ds, q, k, v, g, scale, logs, at.tokens);
  add_dot(dot, p, ds);
  for (int i = 0; i < Rows; ++i) dot[i] = row_total(dot[i]);
  m.store_transposed(p);
  __syncthreads();
  multiply(m, g, store_to(2, 1));  // dv = p^T dy
  score_gradient(ds, p, dot);
  __syncthreads();
  m.store_transposed(ds);
  __syncthreads();
  multiply(m, q, store_to(1, scale));  // dk = scale ds^T q
  __syncthreads();
  m.store(ds);
  __syncwarp();                        // whole rows belong to one warp
  multiply(m, k, store_to(0, scale));  // dq = scale ds k
}

/// The `take` of multiply() for a gradient that is summed over tiles: kept in shared memory, each element by
/// its own thread, and stored with the last tile.
template <class T>
struct AddTile {
  HeadTile sums;
  HeadRows<T> out;
  float factor;
  bool first, last;
  __device__ void operator()(int i, int column, float value) const {
    const int row = static_cast<int>(threadIdx.y) + kSide * i;
    float* sum = sums.row(row) + column;
    if (!first) value += *sum;
    if (last) {
      store_element(out, row, column, factor * value);
    } else {
      *sum = value;
    }
  }
};

/// More tokens: dq of a tile of queries. The sums over m of p_im dp_im need all keys before the first ds, so
/// there are two passes over the keys. The sums are kept for the kernel of dk and dv.
template <int Rows, class T>
__global__ void __launch_bounds__(kSide* kSide)
    attention_dq_kernel(Heads at, T* dqkv, float* dots, const T* dy, const T* qkv, const float* log_sum,
                        float scale) {
  constexpr int kTokens = kSide * Rows;
  SharedTiles<Rows> memory(at.head);
  const HeadTile q = memory.head_tile(), k = memory.head_tile(), v = memory.head_tile(),
                 g = memory.head_tile(), sums = memory.head_tile();
  const ScoreTile<Rows> m = memory.score_tile();
  const std::int64_t first = std::int64_t{blockIdx.y} * kTokens;
  load_tile<Rows>(q, at.part(qkv, 0, first));
  load_tile<Rows>(g, at.output(dy, first));
  float logs[Rows], dot[Rows] = {}, p[Rows][Rows], ds[Rows][Rows];
  load_rows(logs, log_sum, first, at.tokens);
  const auto load_keys = [&](std::int64_t key) {
    __syncthreads();  // k, v of the previous iteration have been read
    load_tile<Rows>(k, at.part(qkv, 1, key));
    load_tile<Rows>(v, at.part(qkv, 2, key));
    __syncthreads();
    tile_gradients(p, ds, q, k, v, g, scale, logs, at.tokens - key);
  };
  for (std::int64_t key = 0; key < at.tokens; key += kTokens) {
    load_keys(key);
    add_dot(dot, p, ds);
  }
  for (int i = 0; i < Rows; ++i) {
    dot[i] = row_total(dot[i]);
    const std::int64_t token = first + static_cast<int>(threadIdx.y) + kSide * i;
    if (threadIdx.x == 0 && token < at.tokens) dots[blockIdx.x * at.tokens + token] = dot[i];
  }
  for (std::int64_t key = 0; key < at.tokens; key += kTokens) {
    load_keys(key);
    score_gradient(ds, p, dot);
    m.store(ds);
    __syncwarp();  // whole rows belong to one warp
    multiply(m, k, AddTile<T>{sums, at.part(dqkv, 0, first), scale, key == 0, key + kTokens >= at.tokens});
  }
}

/// dk and dv of a tile of keys.
template <int Rows, class T>
__global__ void __launch_bounds__(kSide* kSide)
    attention_dkv_kernel(Heads at, T* dqkv, const float* dots, const T* dy, const T* qkv,
                         const float* log_sum, float scale) {
  constexpr int kTokens = kSide * Rows;
  SharedTiles<Rows> memory(at.head);
  const HeadTile q = memory.head_tile(), k = memory.head_tile(), v = memory.head_tile(),
                 g = memory.head_tile(), dk = memory.head_tile(), dv = memory.head_tile();
  const ScoreTile<Rows> m = memory.score_tile();
  const std::int64_t first = std::int64_t{blockIdx.y} * kTokens;
  load_tile<Rows>(k, at.part(qkv, 1, first));
  load_tile<Rows>(v, at.part(qkv, 2, first));
  for (std::int64_t query = 0; query < at.tokens; query += kTokens) {
    const bool start = query == 0, last = query + kTokens >= at.tokens;
    __syncthreads();  // q, g, m of the previous iteration have been read
    load_tile<Rows>(q, at.part(qkv, 0, query));
    load_tile<Rows>(g, at.output(dy, query));
    float logs[Rows], dot[Rows], p[Rows][Rows], ds[Rows][Rows];
    load_rows(logs, log_sum, query, at.tokens);
    load_rows(dot, dots, query, at.tokens);
    __syncthreads();
    tile_gradients(p, ds, q, k, v, g, scale, logs, at.tokens - first);
    m.store_transposed(p);
    __syncthreads();
    multiply(m, g, AddTile<T>{dv, at.part(dqkv, 2, first), 1, start, last});
    score_gradient(ds, p, dot);
    __syncthreads();
    m.store_transposed(ds);
    __syncthreads();
    multiply(m, q, AddTile<T>{dk, at.part(dqkv, 1, first), scale, start, last});
  }
}

/// Launch for tiles of 16 `rows` tokens, with shared memory for `tiles` matrices of a head and one of scores.
LaunchShape tile_launch(const Tensor& log_sum, const Heads& at, int rows, int tiles) {
  const std::int64_t tokens = kSide * rows, width = tile_width(at.head) + kRowPad;
  return {
      .blocks_x = log_sum.dim(0) * at.heads,
      .blocks_y = (at.tokens + tokens - 1) / tokens,
      .threads_x = kSide,
      .threads_y = kSide,
      .shared_bytes = static_cast<std::size_t>(tokens * (tiles * width + tokens + kRowPad)) * sizeof(float)};
}

/// Rows per thread for which one tile holds all tokens: 5 for the 65 of a 32 x 32 image in patches of 4. 0
/// for more than 128 tokens: the backward pass with 8 rows takes 244 of a thread's 255 registers.
int rows_of_one_tile(std::int64_t tokens) {
  for (const int rows : {1, 2, 4, 5, 8}) {
    if (tokens <= kSide * rows) return rows;
  }
  return 0;
}

/// Tiles of 64 tokens (other sizes were not measured), or the largest below that fits into the shared memory
/// of a block.
int rows_of_many_tiles(const Tensor& log_sum, const Heads& at, int tiles) {
  for (const int rows : {4, 2}) {
    if (tile_launch(log_sum, at, rows, tiles).shared_bytes <= block_shared_bytes()) return rows;
  }
  return 1;
}

/// Calls `body.template operator()<Rows>()`.
template <class Body>
void dispatch_rows(int rows, Body&& body) {
  switch (rows) {
    case 1:
      return body.template operator()<1>();
    case 2:
      return body.template operator()<2>();
    case 4:
      return body.template operator()<4>();
    case 5:
      return body.template operator()<5>();
    default:
      return body.template operator()<8>();
  }
}

void forward(Tensor& y, Tensor& log_sum, const Tensor& qkv, double scale) {
  const Heads at(qkv, log_sum);
  int rows = rows_of_one_tile(at.tokens), tiles = 3;
  if (rows == 0 || tile_launch(log_sum, at, rows, tiles).shared_bytes > block_shared_bytes()) {
    tiles = 4;
    rows = rows_of_many_tiles(log_sum, at, tiles);
  }
  dispatch_activation("attention", qkv.dtype(), [&]<class T>() {
    dispatch_rows(rows, [&]<int Rows>() {
      launch("attention_forward_kernel", attention_forward_kernel<Rows, T>,
             tile_launch(log_sum, at, Rows, tiles), at, y.data<T>(), log_sum.data<float>(), qkv.data<T>(),
             static_cast<float>(scale));
    });
  });
}

/// Both passes for more tokens than fit in one tile.
template <int Rows, class T>
void backward_by_tiles(Tensor& dqkv, const Tensor& dy, const Tensor& qkv, const Tensor& log_sum,
                       const Heads& at, float scale) {
  Tensor dots = scratch(log_sum.numel(), DType::f32);
  launch("attention_dq_kernel", attention_dq_kernel<Rows, T>, tile_launch(log_sum, at, Rows, 5), at,
         dqkv.data<T>(), dots.data<float>(), dy.data<T>(), qkv.data<T>(), log_sum.data<float>(), scale);
  launch("attention_dkv_kernel", attention_dkv_kernel<Rows, T>, tile_launch(log_sum, at, Rows, 6), at,
         dqkv.data<T>(), dots.data<float>(), dy.data<T>(), qkv.data<T>(), log_sum.data<float>(), scale);
}

void backward(Tensor& dqkv, const Tensor& dy, const Tensor& qkv, const Tensor& log_sum, double scale) {
  const Heads at(qkv, log_sum);
  const float factor = static_cast<float>(scale);
  const int rows = rows_of_one_tile(at.tokens);
  dispatch_activation("attention", qkv.dtype(), [&]<class T>() {
    if (rows > 0 && tile_launch(log_sum, at, rows, 4).shared_bytes <= block_shared_bytes()) {
      return dispatch_rows(rows, [&]<int Rows>() {
        launch("attention_backward_kernel", attention_backward_kernel<Rows, T>,
               tile_launch(log_sum, at, Rows, 4), at, dqkv.data<T>(), dy.data<T>(), qkv.data<T>(),
               log_sum.data<float>(), factor);
      });
    }
    switch (rows_of_many_tiles(log_sum, at, 6)) {
      case 4:
        return backward_by_tiles<4, T>(dqkv, dy, qkv, log_sum, at, factor);
      case 2:
        return backward_by_tiles<2, T>(dqkv, dy, qkv, log_sum, at, factor);
      default:
        return backward_by_tiles<1, T>(dqkv, dy, qkv, log_sum, at, factor);
    }
  });
}

}  // namespace

void register_attention() {
  attention_kernels.forward.set(DeviceType::cuda, forward);
  attention_kernels.backward.set(DeviceType::cuda, backward);
}

}  // namespace salu::cuda
