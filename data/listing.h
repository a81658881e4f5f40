// SPDX-License-Identifier: MIT
/// Lists the images of an image folder without opening them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace salu {

struct ListedFile {
  std::string path;        ///< relative to the listing's root
  std::int64_t bytes = 0;  ///< -1: not a regular file, or a link to nothing; reading it fails
  int label = 0;
};

/// One split. Files are sorted by class, then by path.
struct Listing {
  std::filesystem::path root;
  std::vector<std::string> classes;
  std::vector<ListedFile> files;
  /// Number of the files of other kinds by extension: ".webp", ".txt", "without extension".
  std::map<std::string, std::int64_t> unread;
};

/// "16 .webp, 8 .gif", or "".
std::string unread_text(const Listing& listing);
/// The kinds among these that are probably meant as images: other formats, and files without extension.
std::vector<std::string> unread_images(const Listing& listing);

/// Lists root/<class>/<image>. The classes are the sub-folders in byte order and may be empty. Images end in
/// kImageExtensions in any case; deeper folders and links are searched as well. A link to nothing counts as
/// an image, or as an empty class. Names that begin with a dot and what Windows leaves in folders are
/// ignored, other files counted. Throws ErrorCode::data when a folder cannot be listed.
Listing list_class_folders(const std::filesystem::path& root);

/// Lists root/<image> with the classes from `map`: lines "NAME CLASS", or ImageNet's LOC_val_solution.csv.
/// NAME may lack its extension. Throws ErrorCode::data for a class that is not in `classes`, an image that is
/// not in the map, and a line whose image does not exist.
Listing list_flat(const std::filesystem::path& root, const std::filesystem::path& map,
                  const std::vector<std::string>& classes);

inline constexpr const char* kImageExtensions[] = {".jpg", ".jpeg", ".jpe", ".jfif",
                                                   ".png", ".bmp",  ".ppm", ".pgm"};

/// Names of the classes without images.
std::vector<std::string> empty_classes(const Listing& listing);

/// The listing with labels in `classes`, matched by name. Every class with images must be there.
Listing with_classes(Listing listing, const std::vector<std::string>& classes);

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

/// The first few names, for a message; in quotes when a blank begins or ends them.
std::string first_names(const std::vector<std::string>& names);

}  // namespace salu
