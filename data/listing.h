// SPDX-License-Identifier: MIT
/// Lists the images of an image folder without opening one of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace salu {

struct ListedFile {
  std::string path;  ///< below the listing's root
  std::int64_t bytes = 0;
  int label = 0;
};

/// One split: its files are sorted by class, then by path.
struct Listing {
  std::filesystem::path root;
  std::vector<std::string> classes;
  std::vector<ListedFile> files;
};

/// Lists root/<class>/<image>. The classes are the sub-folders in the order of their bytes. Images end in
/// .jpg .jpeg .png .bmp .ppm .pgm in any case and may lie deeper, also where links lead to; names that begin
/// with a dot and other files are ignored. Classes may be empty. Throws ErrorCode::data when a folder cannot
/// be listed or an image is not a regular file.
Listing list_class_folders(const std::filesystem::path& root);

/// Lists root/<image>, with the classes in `map`: lines "NAME CLASS", or ImageNet's LOC_val_solution.csv.
/// NAME may lack its extension. Throws ErrorCode::data for a class that is not one of `classes`, an image
/// that the map lacks, and a line whose image is not there.
Listing list_flat(const std::filesystem::path& root, const std::filesystem::path& map,
                  const std::vector<std::string>& classes);

/// Names of the classes without an image.
std::vector<std::string> empty_classes(const Listing& listing);

/// The folders of the splits of a data set.
struct FolderLayout {
  std::filesystem::path dir;  ///< as given
  std::filesystem::path train;
  std::filesystem::path eval;  ///< empty: there is none
  std::string eval_name;       ///< "val" or "test"
};

/// Names of evaluation folders; the first that exists counts.
inline constexpr const char* kEvalNames[] = {"val", "validation", "valid", "test"};

/// Looks into `dir`, and into Kaggle's ILSVRC/Data/CLS-LOC below it, for `train` and `eval`, which may be
/// empty: kEvalNames then. Throws ErrorCode::data when a folder that is named is not there.
FolderLayout find_folders(const std::filesystem::path& dir, const std::string& train = "train",
                          const std::string& eval = "");

/// The listing of the evaluation split. When it holds images but no folders, their classes are those of
/// val_map.txt or LOC_val_solution.csv in it, beside it or in layout.dir; without one, throws
/// ErrorCode::data.
Listing list_eval(const FolderLayout& layout, const std::vector<std::string>& classes);

/// The names of `some` that `others` lacks; both are sorted.
std::vector<std::string> only_in(const std::vector<std::string>& some,
                                 const std::vector<std::string>& others);

/// The first few names, for a message.
std::string first_names(const std::vector<std::string>& names);

}  // namespace salu
