// SPDX-License-Identifier: MIT
#include <utility>

#include "tests/simt/bugs.cu"
#include "tests/simt/bugs.h"

namespace salu::test {
namespace {

using namespace cuda;

constexpr LaunchShape kWarp1{.threads_x = 32}, kWarps2{.threads_x = 64};
constexpr LaunchShape kBlocks4{.blocks_x = 4, .threads_x = 64}, kBlocks8{.blocks_x = 8, .threads_x = 128};

/// y = kernel()
Bug writes(const char* name, void (*kernel)(float*), LaunchShape shape) {
  return {name, [=](Buffers& d) { launch(name, kernel, shape, d.y.data()); }};
}

/// y = kernel(x)
Bug maps(const char* name, void (*kernel)(float*, const float*), LaunchShape shape) {
  return {name, [=](Buffers& d) { launch(name, kernel, shape, d.y.data(), d.x.data()); }};
}

std::vector<Bug> order_bugs() {
  return {
      maps("unordered_read", unordered_read_kernel, kWarps2),
      {"overwritten_tile",
       [](Buffers& d) {
         launch("overwritten_tile", overwritten_tile_kernel<16>,
                {.blocks_x = 2, .blocks_y = 2, .threads_x = 16, .threads_y = 16}, d.y.data(), d.x.data(),
                d.x.data(), 32, 64);
       }},
      maps("reused_parts", reused_parts_kernel, kWarps2),
      writes("shared_count", shared_count_kernel, kWarps2),
      writes("shared_write", shared_write_kernel, kWarps2),
      maps("same_tag", same_tag_kernel, kWarps2),
      maps("lockstep", lockstep_kernel, kWarp1),
      maps("warp_barrier", warp_barrier_kernel, kWarps2),
      maps("shuffle_as_barrier", shuffle_as_barrier_kernel, kWarp1),
  };
}

std::vector<Bug> meeting_bugs() {
  float sum = 0;
  for (const float value : exact_values(32)) sum += value;
  Bug narrow = maps("narrow_width", narrow_width_kernel, kWarp1);
  narrow.wanted = sum;
  return {
      {"two_barriers",
       [](Buffers& d) { launch("two_barriers", two_barriers_kernel, kWarps2, d.y.data(), 40); }},
      {"early_exit", [](Buffers& d) { launch("early_exit", early_exit_kernel, kWarps2, d.y.data(), 40); }},
      writes("uneven_loop", uneven_loop_kernel, kWarps2),
      maps("barrier_and_shuffle", barrier_and_shuffle_kernel, kWarp1),
      maps("shuffle_in_branch", shuffle_in_branch_kernel, kWarp1),
      maps("shuffle_left_out", shuffle_left_out_kernel, kWarp1),
      writes("vote_outside_mask", vote_outside_mask_kernel, kWarp1),
      maps("different_masks", different_masks_kernel, kWarp1),
      maps("different_shuffles", different_shuffles_kernel, kWarp1),
      maps("half_warp", half_warp_kernel, {.threads_x = 48}),
      maps("odd_width", odd_width_kernel, kWarp1),
      std::move(narrow),
  };
}

std::vector<Bug> grid_bugs() {
  return {
      maps("block_race", block_race_kernel, kBlocks4),
      maps("block_race_after_barrier", block_race_after_barrier_kernel, kBlocks4),
      {"plain_histogram",
       [](Buffers& d) {
         launch("plain_histogram", plain_histogram_kernel, kBlocks8, 1024, d.bins.data(), d.classes.data());
       }},
      writes("reads_other_block", reads_other_block_kernel, kBlocks4),
      {"unfenced_total",
       [](Buffers& d) {
         DeviceArray<unsigned> ticket(std::vector<unsigned>(1));
         launch("unfenced_total", unfenced_total_kernel, kBlocks4, d.y.data(), d.hundred.data(),
                ticket.data(), d.x.data());
       }},
      writes("float_atomics", float_atomics_kernel, kBlocks8),
      {"spin",
       [](Buffers& d) { launch("spin", spin_kernel, {.blocks_x = 2, .threads_x = 1}, d.bins.data()); }},
  };
}

std::vector<Bug> address_bugs() {
  return {
      {"write_past_end",
       [](Buffers& d) {
         launch("write_past_end", write_past_end_kernel, {.blocks_x = 4, .threads_x = 32},
                d.result_of_hundred.data(), d.x.data());
       }},
      {"read_past_end",
       [](Buffers& d) {
         launch("read_past_end", read_past_end_kernel, {.threads_x = 100}, d.y.data(), d.hundred.data(), 100);
       }},
      {"read_before_start",
       [](Buffers& d) {
         launch("read_before_start", read_before_start_kernel, kWarps2, d.y.data(), d.hundred.data());
       }},
      maps("shared_past_end", shared_past_end_kernel, kWarps2),
      {"shared_pointer_past_end",
       [](Buffers& d) {
         launch("shared_pointer_past_end", shared_pointer_past_end_kernel, kWarps2, d.y.data(), d.x.data(),
                1);
       }},
      {"shared_pointer_before",
       [](Buffers& d) {
         launch("shared_pointer_before", shared_pointer_past_end_kernel, kWarps2, d.y.data(), d.x.data(), -1);
       }},
      writes("dynamic_past_end", dynamic_past_end_kernel,
             {.threads_x = 64, .shared_bytes = 32 * sizeof(float)}),
      {"pack_past_end",
       [](Buffers& d) {
         launch("pack_past_end", pack_past_end_kernel, {.threads_x = 64, .shared_bytes = 62 * sizeof(float)},
                d.y.data(), 62);
       }},
      maps("misaligned_pack", misaligned_pack_kernel, kWarp1),
      {"misaligned_atomic",
       [](Buffers& d) { launch("misaligned_atomic", misaligned_atomic_kernel, kWarp1, d.bins.data()); }},
      {"int_offset",
       [](Buffers& d) {
         launch("int_offset", int_offset_kernel, kWarps2, d.y.data(), d.x.data(), 1 << 16, 1 << 16);
       }},
  };
}

std::vector<Bug> value_bugs() {
  return {
      maps("unwritten_shared", unwritten_shared_kernel, kWarps2),
      writes("big_static", big_static_kernel, kWarps2),
      writes("big_together", big_together_kernel, {.threads_x = 64, .shared_bytes = 200 * 1024}),
  };
}

}  // namespace

std::vector<Bug> kernel_bugs() {
  std::vector<Bug> all;
  for (const auto& bugs : {order_bugs(), meeting_bugs(), grid_bugs(), address_bugs(), value_bugs()}) {
    all.insert(all.end(), bugs.begin(), bugs.end());
  }
  return all;
}

}  // namespace salu::test
