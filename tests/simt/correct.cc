// SPDX-License-Identifier: MIT
#include "tests/simt/correct.h"

#include "tests/simt/correct.cu"
#include "tests/simt/device_array.h"

namespace salu::test {
namespace {

using namespace cuda;

bool add() {
  const auto a = exact_values(1001), b = exact_values(1003);
  std::vector<float> want(1001);
  for (int i = 0; i < 1001; ++i) want[i] = a[i] + b[i];
  DeviceArray<float> da(a), db(b), y(1001);
  launch("add_kernel", add_kernel, cover_at_most(3, 1001, 64), 1001, y.data(), da.data(), db.data());
  return y.values() == want;
}

bool matmul() {
  constexpr int m = 33, n = 29, k = 41, tile = 16;
  const auto a = exact_values(m * k), b = exact_values(k * n);
  std::vector<float> want(m * n);
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      for (int l = 0; l < k; ++l) want[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
  DeviceArray<float> da(a), db(b), c(m * n);
  launch("matmul_kernel", matmul_kernel<tile>,
         {.blocks_x = 2, .blocks_y = 3, .threads_x = tile, .threads_y = tile}, c.data(), da.data(), db.data(),
         m, n, k);
  return c.values() == want;
}

bool row_sum() {
  constexpr int rows = 4, n = 1000;
  const auto x = exact_values(rows * n);
  std::vector<float> want(rows);
  for (int i = 0; i < rows * n; ++i) want[i / n] += x[i];
  DeviceArray<float> dx(x), y(rows);
  launch("row_sum_kernel", row_sum_kernel, {.blocks_x = rows, .threads_x = 256}, n, y.data(), dx.data());
  return y.values() == want;
}

bool histogram() {
  std::vector<int> x(1000), want(7);
  for (int i = 0; i < 1000; ++i) ++want[x[i] = i % 7];
  DeviceArray<int> dx(x), bins(std::vector<int>(7));
  launch("histogram_kernel", histogram_kernel, cover(1000, 128), 1000, bins.data(), dx.data());
  return bins.values() == want;
}

bool total() {
  const auto x = exact_values(2001);
  float want = 0;
  for (const float value : x) want += value;
  DeviceArray<float> dx(x), y(1), parts(9);
  DeviceArray<unsigned> ticket(std::vector<unsigned>(1));
  for (int run = 0; run < 3; ++run) {
    launch("total_kernel", total_kernel, {.blocks_x = 9, .threads_x = 96}, 2001, y.data(), parts.data(),
           ticket.data(), dx.data());
  }
  return y.values()[0] == want && ticket.values()[0] == 0;
}

bool half_warps() {
  const auto x = exact_values(32);
  std::vector<float> want(32);
  for (int i = 0; i < 16; ++i) {
    want[i] = x[31 - i];
    want[16 + i] = x[15 - i] + x[i];  // lane 47 - (16 + i) = 31 - i took s[i], which its half had added up
  }
  DeviceArray<float> dx(x), y(32);
  launch("half_warps_kernel", half_warps_kernel, {.threads_x = 32}, y.data(), dx.data());
  return y.values() == want;
}

bool stack_arrays() {
  const auto x = exact_values(200 * 8);
  std::vector<float> want(x);
  for (float& value : want) value *= 4;
  DeviceArray<float> dx(x), y(x.size());
  launch("stack_arrays_kernel", stack_arrays_kernel, {.blocks_x = 200, .threads_x = 8}, y.data(), dx.data());
  return y.values() == want;
}

bool compact() {
  std::vector<int> x(60), want;
  for (int i = 0; i < 60; ++i) x[i] = i * 5 % 17;
  for (const int value : x) {
    if (value % 3 == 0) want.push_back(value);
  }
  DeviceArray<int> dx(x), y(want.size()), count(1);
  launch("compact_kernel", compact_kernel, {.threads_x = 64, .shared_bytes = want.size() * sizeof(int)}, 60,
         y.data(), count.data(), dx.data());
  return y.values() == want && count.values()[0] == static_cast<int>(want.size());
}

bool scale_pack() {
  const auto x = exact_values(400);
  std::vector<float> want(x);
  for (float& value : want) value *= 2;
  DeviceArray<float> dx(x), y(400);
  launch("scale_pack_kernel", scale_pack_kernel, cover(100, 32), 100, y.data(), dx.data());
  return y.values() == want;
}

}  // namespace

const std::vector<CorrectKernel>& correct_kernels() {
  static const std::vector<CorrectKernel> all{
      {"add", add},
      {"matmul", matmul},
      {"row_sum", row_sum},
      {"histogram", histogram},
      {"total", total},
      {"half_warps", half_warps},
      {"stack_arrays", stack_arrays},
      {"compact", compact},
      {"scale_pack", scale_pack},
  };
  return all;
}

}  // namespace salu::test
