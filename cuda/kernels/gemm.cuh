// SPDX-License-Identifier: MIT
/// The engine behind matmul, linear and conv2d: sums over k of factors a(row, k) b(column, k), from views
/// that look like matrices (gemm_operand.cuh), on the four rungs of gemm.h.
#pragma once

#include <algorithm>

#include "core/tensor.h"
#include "cuda/kernels/gemm.h"
#include "cuda/kernels/gemm_operand.cuh"
#include "cuda/kernels/tensor_core.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {

/// Size of a product and its division: block (x, y) computes tile x of C from part y of the sum.
struct GemmShape {
  std::int64_t m, n, k;
  std::int64_t k_per_split;
  float* parts;  ///< (splits, m, n), null when there is one split
};

/// The share of one block.
struct GemmShare {
  std::int64_t row, column, k_begin, k_end;
};
__device__ inline GemmShare share_of_block(const GemmShape& shape, int tile_m, int tile_n) {
  // Neighbouring blocks take tiles of one row of C: they read the same rows of A, the larger factor in
  // convolutions, at about the same time.
  const std::int64_t tiles_n = (shape.n + tile_n - 1) / tile_n, k_begin = blockIdx.y * shape.k_per_split;
  return {blockIdx.x / tiles_n * tile_m, blockIdx.x % tiles_n * tile_n, k_begin,
          k_begin + shape.k_per_split < shape.k ? k_begin + shape.k_per_split : shape.k};
}

/// Passes Count neighbouring sums, some possibly outside of C, to the epilogue or to the parts.
template <class Epilogue, int Count>
__device__ void deliver(const GemmShape& shape, const Epilogue& epilogue, std::int64_t row,
                        std::int64_t column, const Pack<float, Count>& sums) {
  if (row >= shape.m) return;
  const auto write = [&](const auto& to) {
    if (column + Count <= shape.n) {
      to(row, column, sums);
    } else {
      for (int i = 0; i < Count; ++i) {
        if (column + i < shape.n) to(row, column + i, Pack<float, 1>{{sums.at[i]}});
      }
    }
  };
  if (shape.parts) {
    write(Store<float>{
        .c = shape.parts + blockIdx.y * shape.m * shape.n, .pitch = shape.n, .packed = shape.n % 4 == 0});
  } else {
    write(epilogue);
  }
}

/// Adds the parts of split sums in split order, so that the bits do not depend on the order of the blocks.
template <class Epilogue>
__global__ void gemm_finish_splits_kernel(std::int64_t splits, std::int64_t m, std::int64_t n,
                                          const float* parts, Epilogue epilogue) {
  const std::int64_t i = global_thread();
  if (i >= m * n) return;
  double sum = 0;
  for (std::int64_t s = 0; s < splits; ++s) sum += static_cast<double>(parts[s * m * n + i]);
  epilogue(i / n, i % n, Pack<float, 1>{{static_cast<float>(sum)}});
}

/// Rung 0. Reads each element of A n times and each of B m times, at best from the caches.
template <class A, class B, class Epilogue>
__global__ void gemm_naive_kernel(GemmShape shape, A a, B b, Epilogue epilogue) {
  const std::int64_t i = global_thread();
  if (i >= shape.m * shape.n) return;
  const std::int64_t row = i / shape.n, column = i % shape.n;
  float sum = 0;
  for (std::int64_t k = 0; k < shape.k; ++k) sum += element(a, row, k) * element(b, column, k);
  epilogue(row, column, Pack<float, 1>{{sum}});
}

/// Rung 1. 16x16 threads keep 16x16 tiles of A and B in shared memory, which divides global reads by 16.
inline constexpr int kSharedTile = 16;
template <class A, class B, class Epilogue>
__global__ void gemm_shared_tiles_kernel(GemmShape shape, A a, B b, Epilogue epilogue) {
  // One column of padding: the rows of a tile then start in different banks of shared memory.
  using Tile = float[kSharedTile][kSharedTile + 1];
  auto& tile_a = shared<Tile, struct TileA>();  // (line, k)
  auto& tile_b = shared<Tile, struct TileB>();
  const GemmShare share = share_of_block(shape, kSharedTile, kSharedTile);
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  // Threads with neighbouring x read neighbouring addresses.
  const int line_a = A::kAlongK ? y : x, k_a = A::kAlongK ? x : y;
  const int line_b = B::kAlongK ? y : x, k_b = B::kAlongK ? x : y;
  float sum = 0;
  for (std::int64_t k = share.k_begin; k < share.k_end; k += kSharedTile) {
    tile_a[line_a][k_a] = element(a, share.row + line_a, k + k_a);
    tile_b[line_b][k_b] = element(b, share.column + line_b, k + k_b);
    __syncthreads();
    for (int i = 0; i < kSharedTile; ++i) sum += tile_a[y][i] * tile_b[x][i];
    __syncthreads();
  }
  deliver(shape, epilogue, share.row + y, share.column + x, Pack<float, 1>{{sum}});
}

// Loops over register arrays are unrolled explicitly, because a dynamically indexed array would be placed in
// local memory.

/// Double-buffered loop over k of rungs 2 and 3: the next tile is loaded while the current one is used.
/// fetch(k) reads global memory into registers, keep(buffer) stores them to one of two shared buffers,
/// use(buffer) computes. One barrier per step suffices: a buffer is overwritten only after the barrier that
/// follows its last use.
template <int Step, class Fetch, class Keep, class Use>
__device__ void double_buffered(const GemmShare& share, Fetch&& fetch, Keep&& keep, Use&& use) {
  if (share.k_begin >= share.k_end) return;
  fetch(share.k_begin);
  keep(0);
  __syncthreads();
  int buffer = 0;
  for (std::int64_t k = share.k_begin; k < share.k_end; k += Step) {
    const bool more = k + Step < share.k_end;
    if (more) fetch(k + Step);
    use(buffer);
    buffer = 1 - buffer;
    if (more) keep(buffer);
    __syncthreads();
  }
}

/// Rung 2. A thread computes 8x8 outputs: four packs of four values from shared memory feed 64 multiply-adds.
/// Its outputs are four 4x4 packs, half a tile apart, so that a warp reads contiguous packs. A block of
/// 128x128 uses each value it reads 128 times; 8 of k per step keep both buffers in 17 KB.
template <int TileM, int TileN>
struct RegisterTiles {
  static constexpr int kM = TileM, kN = TileN, kDepth = 8, kWidth = 4, kThreads = TileM * TileN / 64;
  /// Four columns of padding: storing a transposed tile touches every bank once.
  template <int Lines>
  using Buffer = float[kDepth][Lines + 4];
  struct alignas(16) Memory {
    Buffer<TileM> a[2];
    Buffer<TileN> b[2];
  };
};

/// Stores packs of a tile as floats (k, line).
template <bool kAlongK, class Buffer>
struct KeepAsFloat {
  Buffer& buffer;
  template <class P>
  __device__ void operator()(int row, int column, const P& pack) const {
    for (int i = 0; i < static_cast<int>(sizeof(P) / sizeof(pack.at[0])); ++i) {
      (kAlongK ? buffer[column + i][row] : buffer[row][column + i]) = static_cast<float>(pack.at[i]);
    }
  }
};

/// The eight values of line `first` of a 4 + 4 pattern.
template <int Lines>
struct EightLines {
  Pack<float, 4> half[2];
  __device__ EightLines(const float (&line)[Lines + 4], int first) {
    half[0] = *reinterpret_cast<const Pack<float, 4>*>(&line[first]);
    half[1] = *reinterpret_cast<const Pack<float, 4>*>(&line[Lines / 2 + first]);
  }
};

template <class Tiles, int Width, class A, class B, class Epilogue>
__global__ void __launch_bounds__(Tiles::kThreads, 2)
    gemm_register_tiles_kernel(GemmShape shape, A a, B b, Epilogue epilogue) {
  constexpr int kM = Tiles::kM, kN = Tiles::kN, kDepth = Tiles::kDepth;
  auto& memory = shared<typename Tiles::Memory, struct RegisterTilesMemory>();
  const GemmShare share = share_of_block(shape, kM, kN);
  TileLoader<A, kM, kDepth, Width, Tiles::kThreads> load_a(a, share.row);
  TileLoader<B, kN, kDepth, Width, Tiles::kThreads> load_b(b, share.column);
  const int first_row = static_cast<int>(threadIdx.x) / (kN / 8) * 4;
  const int first_column = static_cast<int>(threadIdx.x) % (kN / 8) * 4;
  Pack<float, 4> sums[2][4][2] = {};  // (half of the rows, row, half of the columns)
  double_buffered<kDepth>(
      share,
      [&](std::int64_t k) {
        load_a.fetch(k);
        load_b.fetch(k);
      },
      [&](int buffer) {
        load_a.keep(KeepAsFloat<A::kAlongK, typename Tiles::template Buffer<kM>>{memory.a[buffer]});
        load_b.keep(KeepAsFloat<B::kAlongK, typename Tiles::template Buffer<kN>>{memory.b[buffer]});
      },
      [&](int buffer) {
        for (int k = 0; k < kDepth; ++k) {
          const EightLines<kM> rows(memory.a[buffer][k], first_row);
          const EightLines<kN> columns(memory.b[buffer][k], first_column);
#pragma unroll
          for (int i = 0; i < 64; ++i) {
            sums[i / 32][i / 8 % 4][i / 4 % 2].at[i % 4] +=
                rows.half[i / 32].at[i / 8 % 4] * columns.half[i / 4 % 2].at[i % 4];
          }
        }
      });
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    deliver(shape, epilogue, share.row + i / 8 * (kM / 2) + first_row + i / 2 % 4,
            share.column + i % 2 * (kN / 2) + first_column, sums[i / 8][i / 2 % 4][i % 2]);
  }
}

/// Rung 3. Every warp computes its part of the tile in pieces of 16x16 (tensor_core.cuh). Tiles in shared
/// memory keep the global layout, because fragments can be read either way. The large tile has 8 warps of
/// 64x32 and fills 40 KB of the 48 KB that need no special request; the small one has 4 warps of 32x32.
template <int TileM, int TileN, int WarpsM, int WarpsN>
struct CoreTiles {
  static constexpr int kM = TileM, kN = TileN, kDepth = 32, kWidth = kPack<bf16>;
  static constexpr int kThreads = kWarp * WarpsM * WarpsN, kWarpsN = WarpsN;
  static constexpr int kPiecesM = TileM / WarpsM / kFragment, kPiecesN = TileN / WarpsN / kFragment;

  /// Eight elements of padding: the eight rows that ldmatrix reads at once lie in different banks.
  template <bool kAlongK, int Lines>
  struct Buffer {
    static constexpr int kPitch = (kAlongK ? kDepth : Lines) + 8;
    bf16 at[kAlongK ? Lines : kDepth][kPitch];
    __device__ Fragment fragment(int line, int k) const {
      return load_fragment<kAlongK>(kAlongK ? &at[line][k] : &at[k][line], kPitch);
    }
    template <class P>
    __device__ void operator()(int row, int column, const P& pack) {
      *reinterpret_cast<P*>(&at[row][column]) = pack;
    }
  };
  template <class A, class B>
  struct alignas(16) Memory {
    Buffer<A::kAlongK, TileM> a[2];
    Buffer<B::kAlongK, TileN> b[2];
  };
};

template <class Tiles, int Width, class A, class B, class Epilogue>
__global__ void __launch_bounds__(Tiles::kThreads, 2)
    gemm_tensor_cores_kernel(GemmShape shape, A a, B b, Epilogue epilogue) {
  constexpr int kPiecesM = Tiles::kPiecesM, kPiecesN = Tiles::kPiecesN;
  auto& memory = shared<typename Tiles::template Memory<A, B>, struct CoreTilesMemory>();
  const GemmShare share = share_of_block(shape, Tiles::kM, Tiles::kN);
  TileLoader<A, Tiles::kM, Tiles::kDepth, Width, Tiles::kThreads> load_a(a, share.row);
  TileLoader<B, Tiles::kN, Tiles::kDepth, Width, Tiles::kThreads> load_b(b, share.column);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int first_row = warp / Tiles::kWarpsN * kPiecesM * kFragment;
  const int first_column = warp % Tiles::kWarpsN * kPiecesN * kFragment;
  Accumulator sums[kPiecesM][kPiecesN] = {};
  double_buffered<Tiles::kDepth>(
      share,
      [&](std::int64_t k) {
        load_a.fetch(k);
        load_b.fetch(k);
      },
      [&](int buffer) {
        load_a.keep(memory.a[buffer]);
        load_b.keep(memory.b[buffer]);
      },
      [&](int buffer) {
        for (int k = 0; k < Tiles::kDepth; k += kFragment) {
          Fragment columns[kPiecesN];
          for (int j = 0; j < kPiecesN; ++j) {
            columns[j] = memory.b[buffer].fragment(first_column + j * kFragment, k);
          }
          for (int i = 0; i < kPiecesM; ++i) {
            const Fragment rows = memory.a[buffer].fragment(first_row + i * kFragment, k);
            for (int j = 0; j < kPiecesN; ++j) multiply_add(sums[i][j], rows, columns[j]);
          }
        }
      });
#pragma unroll
  for (int q = 0; q < 4 * kPiecesM * kPiecesN; ++q) {  // the quarters of the pieces
    const int i = q / 4 / kPiecesN, j = q / 4 % kPiecesN;
    const SumPair pair = sum_pair(sums[i][j], q / 2 % 2, q % 2);
    deliver(shape, epilogue, share.row + first_row + i * kFragment + pair.row,
            share.column + first_column + j * kFragment + pair.column, pair.sums);
  }
}

/// Division of a product into tiles of C, and into splits of the sum over k when there are too few tiles to
/// fill the GPU, as for weight gradients. Depends on the size and the GPU alone.
struct GemmPlan {
  std::int64_t tiles, splits, k_per_split;
};
inline GemmPlan plan_gemm(std::int64_t m, std::int64_t n, std::int64_t k, int tile_m, int tile_n) {
  constexpr std::int64_t kLeast =
      256;  // least k per split; below, writing and reading the parts costs more than it saves
  constexpr std::int64_t kStep = 32;  // a multiple of every rung's step
  const std::int64_t tiles = ((m + tile_m - 1) / tile_m) * ((n + tile_n - 1) / tile_n);
  if (tiles == 0) return {0, 1, 0};
  const std::int64_t wanted =
      std::clamp<std::int64_t>(grid_blocks(2) / tiles, 1, std::max<std::int64_t>(k / kLeast, 1));
  const std::int64_t per_split = std::max((k + wanted * kStep - 1) / (wanted * kStep) * kStep, kStep);
  return {tiles, std::max<std::int64_t>((k + per_split - 1) / per_split, 1), per_split};
}

/// A product on the host: op(A) and op(B) as AlongK or AcrossK views, and an epilogue that stores the sums.
template <class A, class B, class Epilogue>
struct GemmProblem {
  std::int64_t m, n, k;
  A a;
  B b;
  Epilogue epilogue;
};

/// Launches the kernel of one rung, and adds the parts when the sum was split.
template <class A, class B, class Epilogue, class Kernel>
void launch_tiles(const char* name, Kernel kernel, const GemmProblem<A, B, Epilogue>& p, int tile_m,
                  int tile_n, int threads_x, int threads_y = 1) {
  const GemmPlan plan = plan_gemm(p.m, p.n, p.k, tile_m, tile_n);
  const std::int64_t outputs = p.m * p.n;
  const bool split = plan.splits > 1;
  Tensor parts;
  if (split) parts = scratch(plan.splits * outputs, DType::f32);
  launch(name, kernel,
         {.blocks_x = plan.tiles, .blocks_y = plan.splits, .threads_x = threads_x, .threads_y = threads_y},
         GemmShape{p.m, p.n, p.k, plan.k_per_split, split ? parts.data<float>() : nullptr}, p.a, p.b,
         p.epilogue);
  if (!split) return;
  launch("gemm_finish_splits_kernel", gemm_finish_splits_kernel<Epilogue>, cover(outputs), plan.splits, p.m,
         p.n, parts.data<float>(), p.epilogue);
}

/// Calls `body.template operator()<Tiles, Width>()`. Large tiles read less, and are used when they give every
/// multiprocessor a block. Unaligned operands are read element by element into small tiles.
template <class Large, class Small, class Problem, class Body>
void pick_tiles(const Problem& p, Body&& body) {
  if (!p.a.packed() || !p.b.packed()) return body.template operator()<Small, 1>();
  const GemmPlan plan = plan_gemm(p.m, p.n, p.k, Large::kM, Large::kN);
  const bool large = p.m > Small::kM && p.n > Small::kN && plan.tiles * plan.splits >= grid_blocks(1);
  if (large) {
    body.template operator()<Large, Large::kWidth>();
  } else {
    body.template operator()<Small, Small::kWidth>();
  }
}

template <class A, class B, class Epilogue>
void run_gemm(const GemmProblem<A, B, Epilogue>& p, GemmRung rung) {
  constexpr bool kCores = std::is_same_v<typename A::Element, bf16>;
  if (rung == GemmRung::naive) {
    launch("gemm_naive_kernel", gemm_naive_kernel<A, B, Epilogue>, cover(p.m * p.n),
           GemmShape{p.m, p.n, p.k, p.k, nullptr}, p.a, p.b, p.epilogue);
  } else if (rung == GemmRung::shared_tiles) {
    launch_tiles("gemm_shared_tiles_kernel", gemm_shared_tiles_kernel<A, B, Epilogue>, p, kSharedTile,
                 kSharedTile, kSharedTile, kSharedTile);
  } else if (kCores && rung != GemmRung::register_tiles) {
    if constexpr (kCores) {
      pick_tiles<CoreTiles<128, 128, 2, 4>, CoreTiles<64, 64, 2, 2>>(p, [&]<class Tiles, int Width>() {
        launch_tiles("gemm_tensor_cores_kernel", gemm_tensor_cores_kernel<Tiles, Width, A, B, Epilogue>, p,
                     Tiles::kM, Tiles::kN, Tiles::kThreads);
      });
    }
  } else {
    pick_tiles<RegisterTiles<128, 128>, RegisterTiles<64, 64>>(p, [&]<class Tiles, int Width>() {
      launch_tiles("gemm_register_tiles_kernel", gemm_register_tiles_kernel<Tiles, Width, A, B, Epilogue>, p,
                   Tiles::kM, Tiles::kN, Tiles::kThreads);
    });
  }
}

}  // namespace salu::cuda
