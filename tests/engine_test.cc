// SPDX-License-Identifier: MIT
#include "autograd/functions.h"
#include "autograd/gradcheck.h"
#include "core/allocator.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

Variable leaf(double v) { return Variable(Tensor::full({1}, v, DType::f64), true); }

TEST_CASE("a chain of 100,000 ops back-propagates, and is freed without recursion") {
  const Variable x = leaf(3);
  Variable y = x;
  for (int i = 0; i < 100000; ++i) y = add(y, x);
  backward(y);
  CHECK(x.grad().item() == 100001);
  Variable unused = x;
  for (int i = 0; i < 100000; ++i) unused = add(unused, x);  // dropped without a backward pass
}

TEST_CASE("no graph leaks") {
  const Variable x = leaf(1);
  backward(add(x, x));
  const auto before = host_memory().live_blocks;
  for (int i = 0; i < 10; ++i) {
    const Variable y = relu(add(x, relu(x)));
    if (i % 2) backward(y);
  }
  CHECK(host_memory().live_blocks == before);
}

TEST_CASE("diamonds: gradients of shared inputs are summed, shared tensors are not overwritten") {
  const Variable x = leaf(2), w = leaf(5);
  const Variable a = add(x, w);  // its gradient arrives by three paths
  const Variable y = add(add(a, a), a);
  backward(y);
  CHECK(x.grad().item() == 3);
  CHECK(w.grad().item() == 3);
  backward(add(x, x));
  CHECK(x.grad().item() == 5);  // leaves accumulate over passes
  CHECK(w.grad().item() == 3);
}

TEST_CASE("NoGrad records nothing") {
  const Variable x = leaf(2);
  {
    const NoGrad guard;
    CHECK(!add(x, x).requires_grad());
  }
  CHECK(add(x, x).requires_grad());
}

TEST_CASE("a view shares the value, and its gradient has the shape of the source") {
  const std::vector<double> numbers = {1, 2, 3, 4, 5, 6};
  const Variable x(Tensor::from({2, 3}, numbers), true);
  const Variable y = view(x, {3, 2});
  CHECK(y.shape() == Shape{3, 2});
  CHECK(y.value().shares_storage(x.value()));
  backward(sum(mul(y, y)));
  CHECK(x.grad().shape() == Shape{2, 3});
  CHECK(x.grad().values<double>() == std::vector<double>{2, 4, 6, 8, 10, 12});
  for (const Shape& shape : {Shape{6}, Shape{3, 2}, Shape{1, 2, 1, 3}}) {
    const auto square = [&](const std::vector<Variable>& in) {
      return mul(view(in[0], shape), view(in[0], shape));
    };
    CHECK(check_gradients(square, {x.value()}) == "");
  }
  const auto empty = [](const std::vector<Variable>& in) { return view(in[0], {3, 0}); };
  CHECK(check_gradients(empty, {Tensor::zeros({0, 5}, DType::f64)}) == "");
}

TEST_CASE("the gradient of a view owns its storage, so that later passes may add to it") {
  const Variable x(Tensor::zeros({2, 3}, DType::f64), true);
  Tensor upstream = Tensor::full({6}, 2, DType::f64);
  backward(view(x, {6}), upstream);
  backward(view(x, {6}), upstream);
  CHECK(x.grad().shape() == Shape{2, 3});
  CHECK(x.grad().values<double>() == std::vector<double>(6, 4.0));
  CHECK(upstream.values<double>() == std::vector<double>(6, 2.0));
  CHECK(contains(error_of([&] { view(x, {4}); }),
                 "1: [view] expected a shape of 6 elements for (2,3), got (4)"));
}

TEST_CASE("backward says what it needs") {
  const Variable x(Tensor::zeros({2}, DType::f64), true);
  CHECK(contains(error_of([&] { backward(add(x, x)); }), "expected an upstream gradient for output (2)"));
  CHECK(contains(error_of([&] { backward(add(x, x), Tensor::zeros({3}, DType::f64)); }),
                 "expected a gradient of shape (2) f64, got (3) f64"));
  CHECK(contains(error_of([&] { backward(Variable(Tensor::zeros({1}))); }), "requires_grad"));
}

TEST_CASE("the gradient checker notices a wrong gradient") {
  const auto wrong = [](double factor, double offset) {
    return [=](const std::vector<Variable>& in) {
      const Tensor x = in[0].value();
      return record("wrong", x.clone(), {in[0]}, [=](const Tensor& dy, Gradients& gradients) {
        Tensor dx = dy.clone();
        for (std::int64_t i = 0; i < dx.numel(); ++i)
          dx.data<double>()[i] = dx.data<double>()[i] * factor + offset;
        gradients.set(0, dx);
      });
    };
  };
  const std::vector<Tensor> in = {Tensor::full({3}, 0.5, DType::f64)};
  CHECK(check_gradients(wrong(1, 0), in) == "");
  CHECK(check_gradients(wrong(-1, 0), in) != "");
  CHECK(check_gradients(wrong(1 + 1e-5, 0), in) != "");
  CHECK(check_gradients(wrong(1, 1e-5), in) != "");
  CHECK(check_gradients(wrong(NAN, 0), in) != "");
}

}  // namespace
}  // namespace salu::test
