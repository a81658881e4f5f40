// SPDX-License-Identifier: MIT
#include "core/ops/salu_family.h"

#include "core/parallel.h"

namespace salu {
namespace {

template <class T>
const SaluLoops<T>& loops() {
  if constexpr (std::is_same_v<T, float>) {
    return salu_loops_f32();
  } else {
    return salu_loops_f64();
  }
}

template <class T>
Curve<T> resolve(const CoefficientPair* pair, Positive positive) {
  if (!pair) return {};
  const Curve<double> c = curve_of(pair->p.item(), pair->q.item(), positive);
  return {static_cast<T>(c.s), static_cast<T>(c.inv_w)};
}

void add_to(Tensor& t, double value) {
  dispatch_float("salu", t.dtype(), [&]<class T>() { *t.data<T>() += static_cast<T>(value); });
}

void finish(const CoefficientPair* pair, CoefficientPair* gradient, Positive positive,
            const CurveSums<double>& sums) {
  if (!pair) return;
  const Curve<double> d = curve_parameter_gradients(pair->p.item(), pair->q.item(), positive, sums);
  add_to(gradient->p, d.s);
  add_to(gradient->q, d.inv_w);
}

template <class T>
T* at(Tensor* t, std::int64_t offset) {
  return t ? t->data<T>() + offset : nullptr;
}
template <class T>
const T* at(const Tensor* t, std::int64_t offset) {
  return t ? t->data<T>() + offset : nullptr;
}

}  // namespace

void check_coefficients(const char* op, const Tensor& x, const CoefficientPair& pair) {
  for (const Tensor& t : {pair.p, pair.q}) {
    check(t.defined() && t.numel() == 1, "[{}] expected coefficients of one element, got {}", op,
          t.defined() ? t.shape().str() : "an undefined tensor");
    check_parameter(op, "coefficients", t, x);
  }
}

void salu_family_forward(SaluMember member, Tensor& y, const Tensor& x, const Tensor* residual,
                         const CoefficientPair& first, const CoefficientPair* gate, Positive positive) {
  dispatch_float("salu", x.dtype(), [&]<class T>() {
    const CurvePair<T> curves{resolve<T>(&first, positive), resolve<T>(gate, positive)};
    const auto loop = loops<T>().forward[static_cast<int>(member)];
    parallel_for(x.numel(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
      loop(end - begin, y.data<T>() + begin, x.data<T>() + begin, at<T>(residual, begin), curves);
    });
  });
}

void salu_family_backward(SaluMember member, Tensor& dx, Tensor* dresidual, const Tensor& dy, const Tensor& x,
                          const Tensor* residual, const CoefficientPair& first, const CoefficientPair* gate,
                          CoefficientPair& dfirst, CoefficientPair* dgate, Positive positive) {
  dispatch_float("salu", x.dtype(), [&]<class T>() {
    const CurvePair<T> curves{resolve<T>(&first, positive), resolve<T>(gate, positive)};
    const auto loop = loops<T>().backward[static_cast<int>(member)];
    const PairSums sums =
        parallel_sum<PairSums>(x.numel(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
          return loop(end - begin, dx.data<T>() + begin, at<T>(dresidual, begin), dy.data<T>() + begin,
                      x.data<T>() + begin, at<T>(residual, begin), curves);
        });
    finish(&first, &dfirst, positive, sums.first);
    finish(gate, dgate, positive, sums.gate);
  });
}

}  // namespace salu
