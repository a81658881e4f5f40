// SPDX-License-Identifier: MIT
#include "run/interchange/onnx_export.h"

namespace salu {

std::string onnx_model(const Model&, const ModelCard&, std::optional<std::int64_t>) {
  fail(ErrorCode::environment,
       "export: this build has no ONNX; expected libonnx and protobuf. Install libonnx-dev and "
       "libprotobuf-dev, and build again");
}

}  // namespace salu
