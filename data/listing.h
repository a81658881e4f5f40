// SPDX-License-Identifier: MIT
/// Lists the images of an image folder without opening them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace salu {

struct ListedFile {
  std::string path;  ///< relative to the listing's root
  std::int64_t bytes = 0;
  int label = 0;
};

/// One split. Files are sorted by class, then by path.
struct Listing {
  std::filesystem::path root;
  std::vector<std::string> classes;
  std::vector<ListedFile> files;
};

/// Lists root/<class>/<image>. The classes are the sub-folders in byte order and may be empty. Images end in
/// .jpg .jpeg .jpe .jfif .png .bmp .ppm .pgm in any case; deeper folders and links are searched as well.
/// Names that begin with a dot and other files are ignored. Throws ErrorCode::data when a folder cannot be
/// listed or an image is not a regular file.
Listing list_class_folders(const std::filesystem::path& root);

/// Lists root/<image> with the classes from `map`: lines "NAME CLASS", or ImageNet's LOC_val_solution.csv.
/// NAME may lack its extension. Throws ErrorCode::data for a class that is not in `classes`, an image that is
/// not in the map, and a line whose image does not exist.
Listing list_flat(const std::filesystem::path& root, const std::filesystem::path& map,
                  const std::vector<std::string>& classes);

/// Names of the classes without images.
std::vector<std::string> empty_classes(const Listing& listing);

/// The folders of the splits of a data set.
struct FolderLayout {
  std::filesystem::path dir;  ///< as given by the user
  std::filesystem::path train;
  std::filesystem::path eval;  ///< empty: no evaluation split
  std::string eval_name;       ///< "val" or "test"
};

/// Names of evaluation folders, tried in this order.
inline constexpr const char* kEvalNames[] = {"val", "validation", "valid", "test"};

/// Searches `dir`, and Kaggle's ILSVRC/Data/CLS-LOC below it, for `train` and `eval`. An empty name stands
/// for kEvalNames. Throws ErrorCode::data when a named folder does not exist.
FolderLayout find_folders(const std::filesystem::path& dir, const std::string& train = "train",
                          const std::string& eval = "");

/// The listing of the evaluation split. Without class folders, the classes come from val_map.txt or
/// LOC_val_solution.csv in the split, beside it or in layout.dir; without such a file, throws
/// ErrorCode::data.
Listing list_eval(const FolderLayout& layout, const std::vector<std::string>& classes);

/// The names in `some` that are not in `others`; both are sorted.
std::vector<std::string> only_in(const std::vector<std::string>& some,
                                 const std::vector<std::string>& others);

/// The first few names, for a message.
std::string first_names(const std::vector<std::string>& names);

}  // namespace salu
