// SPDX-License-Identifier: MIT
/// Many small pictures on one.
#pragma once

#include <vector>

#include "data/image.h"

namespace salu {

/// Row by row; all pictures have the size of the first, all rows its length. White lines of 2 pixels around
/// each; pictures below 64 pixels are enlarged by a whole factor.
Image contact_sheet(const std::vector<std::vector<Image>>& rows);

}  // namespace salu
