#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "model_file/model_file.hpp"
#include "units/error.hpp"

namespace nubridge::model_file {

namespace {

namespace fs = std::filesystem;

/// False also where the file system cannot tell: a name too long, a folder that one may not read.
bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

std::vector<fs::path> model_folders() {
    std::vector<fs::path> folders;
    if (const char* listed = std::getenv("NUBRIDGE_MODELS")) {
        std::istringstream list(listed);
        for (std::string folder; std::getline(list, folder, ':');) {
            if (!folder.empty()) folders.emplace_back(folder);
        }
    }
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&find), &info) != 0 && info.dli_fname != nullptr) {
        folders.push_back(fs::absolute(info.dli_fname).parent_path().parent_path() / "models");
    }
    return folders;
}

std::string not_found(const std::string& name, const std::vector<fs::path>& folders) {
    std::vector<std::string> names;
    std::string searched;
    for (const fs::path& folder : folders) {
        searched += (searched.empty() ? "" : ", ") + folder.string();
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(folder, ignored)) {
            if (is_file(entry.path() / "model.json")) names.push_back(entry.path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    std::string known;
    for (const auto& one : names) known += (known.empty() ? "" : ", ") + one;
    return "no model '" + name + "' in " + searched + "; there: " + (known.empty() ? "none" : known) +
           ". Give one of these, a path, or add a folder to NUBRIDGE_MODELS";
}

}  // namespace

fs::path find(const std::string& name_or_path) {
    const fs::path given(name_or_path);
    if (name_or_path.find('/') != std::string::npos || given.extension() == ".json") {
        std::error_code ignored;
        const fs::path file = fs::is_directory(given, ignored) ? given / "model.json" : given;
        if (is_file(file)) return file;
        throw ModelNotFound("no model file at " + file.string() +
                            "; give a model's name, its folder or its model.json");
    }
    const std::vector<fs::path> folders = model_folders();
    for (const fs::path& folder : folders) {
        const fs::path file = folder / name_or_path / "model.json";
        if (is_file(file)) return file;
    }
    throw ModelNotFound(not_found(name_or_path, folders));
}

}  // namespace nubridge::model_file
