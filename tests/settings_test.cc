// SPDX-License-Identifier: MIT
/// The table of settings: values of every type from words and back, TOML, what wins over what, and resuming.
#include "run/settings.h"

#include "core/rng.h"
#include "run/settings_file.h"
#include "run/train_options.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

enum class Color { red, green };
constexpr std::pair<const char*, Color> kColors[] = {{"red", Color::red}, {"green", Color::green}};

struct Values {
  bool on = false;
  int whole = 3;
  std::uint64_t seed = 42;
  double real = 0.5;
  std::string text = "a";
  std::filesystem::path place;
  std::optional<double> left_out;
  std::array<double, 2> pair{1, 2};
  std::vector<double> list;
  Color color = Color::red;
  std::optional<Color> maybe;
  int action = 0;
};

Settings table_of(Values& v) {
  Settings t;
  t.add("on", v.on, "");
  t.group("Numbers");
  t.add("w,whole", v.whole, "", from(-2, 10));
  t.add("seed", v.seed, "");
  t.add("real", v.real, "", above(0, 1));
  t.add("text", v.text, "").checked(about_plain_name);
  t.add("place", v.place, "");
  t.add("left-out", v.left_out, "", from(0));
  t.add("pair", v.pair, "");
  t.add("list", v.list, "", above(0));
  t.add("color", v.color, "", kColors);
  t.add("maybe", v.maybe, "", kColors).not_with("color");
  t.add("action", v.action, "").only_with("on").action();
  return t;
}

std::string error_of_given(const std::vector<Given>& given) {
  Values v;
  return error_of([&] { table_of(v).read(given); });
}

TEST_CASE("every type is read and written") {
  Values v;
  const Settings t = table_of(v);
  t.read({{"on", {"true"}, "", ""},
          {"w", {"-2"}, "", ""},
          {"seed", {"9223372036854775807"}, "", ""},
          {"real", {"2.5e-1"}, "", ""},
          {"text", {"b c"}, "", ""},
          {"place", {"/x y"}, "", ""},
          {"left-out", {"0"}, "", ""},
          {"pair", {"0.1,3"}, "", ""},
          {"list", {"1,2.5", "4"}, "", ""},
          {"color", {"green"}, "", ""}});
  CHECK(v.on);
  CHECK(v.whole == -2);
  CHECK(v.seed == 9223372036854775807u);
  CHECK(v.real == 0.25);
  CHECK(v.left_out == 0.0);
  CHECK(v.pair == std::array{0.1, 3.0});
  CHECK(v.list == std::vector{1.0, 2.5, 4.0});
  CHECK(v.color == Color::green);
  CHECK(settings_as_toml(t).ends_with(
      "\n# Common\non=true\n\n# Numbers\nwhole=-2\nseed=9223372036854775807\nreal=0.25\n"
      "text=\"b c\"\nplace=\"/x y\"\nleft-out=0\npair=[0.1, 3]\nlist=[1, 2.5, 4]\n"
      "color=\"green\"\n# maybe=\n"));
  Values again;
  table_of(again).read(settings_in_toml(settings_as_toml(t), "c"));
  CHECK(settings_as_toml(table_of(again)) == settings_as_toml(t));
}

TEST_CASE("bad values are named with their place and what is expected") {
  const auto refused = [](const char* key, Words words) {
    return error_of_given({{key, std::move(words), "c:1:2: ", "c"}});
  };
  CHECK(refused("on", {"maybe"}) == "2: c:1:2: --on: 'maybe'; expected true or false");
  CHECK(refused("whole", {"11"}) == "2: c:1:2: --whole: '11' is not a whole number in -2..10");
  CHECK(refused("whole", {"010"}) == "2: c:1:2: --whole: '010': expected 10");
  CHECK(refused("seed", {"-1"}) == "2: c:1:2: --seed: '-1' is not a whole number in 0..9223372036854775807");
  CHECK(refused("real", {"0"}) == "2: c:1:2: --real: 0 is not a finite number > 0 and <= 1");
  CHECK(refused("pair", {"inf", "1"}) == "2: c:1:2: --pair: inf is not a finite number");
  CHECK(refused("pair", {"1"}) == "2: c:1:2: --pair: 1 value; expected 2");
  CHECK(refused("text", {"a/b"}) == "2: c:1:2: --text: 'a/b' is not a plain name");
  CHECK(refused("color", {"grean"}) ==
        "2: c:1:2: --color: unknown name 'grean'; expected one of red, green (did you mean green?)");
  CHECK(refused("colour", {"red"}) ==
        "2: c:1:2: unknown key 'colour' (did you mean --color?). See --help-all");
  CHECK(contains(refused("action", {"1"}), "2: c:1:2: action: is about one call"));
  CHECK(error_of_given({{"action", {"1"}, "", ""}}) == "2: --action requires --on; expected both or none");
  CHECK(error_of_given({{"color", {"red"}, "", ""}, {"maybe", {"red"}, "", ""}}) ==
        "2: --maybe excludes --color; expected one of them");
}

TEST_CASE("the first value counts, and a flag beats what it excludes") {
  Values v;
  table_of(v).read({{"no-on", {"true"}, "", ""},
                    {"maybe", {"red"}, "", ""},
                    {"on", {"true"}, "c:1:1: ", "c"},
                    {"color", {"green"}, "c:2:1: ", "c"},
                    {"whole", {"4"}, "c:3:1: ", "c"},
                    {"w", {"bad"}, "SALU_WHOLE in the environment: ", ""}});
  CHECK(!v.on);
  CHECK(v.color == Color::red);
  CHECK(v.maybe == Color::red);
  CHECK(v.whole == 4);
}

TEST_CASE("any text in UTF-8 comes back from TOML") {
  Rng rng({1, Purpose::test, 0, 0});
  const std::string letters[] = {"a", "\"", "'", "\\", "\n", "\t", "\x01",  "\x7f",
                                 "#", "=",  "[", "]",  "ä",  "猫", "u0041", " "};
  for (int i = 0; i < 2000; ++i) {
    Values v, again;
    std::string text = "x";
    for (auto n = rng.below(12); n > 0; --n) text += letters[rng.below(std::size(letters))];
    v.place = text;
    table_of(again).read(settings_in_toml(settings_as_toml(table_of(v)), "c"));
    REQUIRE(again.place == v.place);
  }
}

/// One that the setting takes, and does not have.
Words other_value(const Setting& s) {
  const Words now = s.words();
  const std::string first = now.empty() ? "" : now.front();
  if (s.kind == SettingKind::boolean) return {first == "true" ? "false" : "true"};
  if (s.kind == SettingKind::whole) return {first == "12" ? "13" : "12"};
  if (s.kind == SettingKind::real) return Words(s.count, first == "0.5" ? "0.75" : "0.5");
  if (s.choices.empty()) return {"cifar10"};
  return {first == s.choices.back() ? s.choices.front() : s.choices.back()};
}

TEST_CASE("a resumed run changes what its table allows") {
  for (const bool fresh : {false, true}) {
    TrainOptions before = {}, now = {};
    before.config.resolve();
    const std::size_t rows = train_settings(before).rows().size();
    int refused = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      now = before;
      now.resume_opt = !fresh;
      const Settings table = train_settings(now);
      const Setting& s = table.rows()[i];
      if (s.is_action) continue;
      s.read(s, other_value(s));
      const bool allowed =
          s.on_resume == OnResume::free || (fresh && s.on_resume == OnResume::with_fresh_optimizer);
      const std::string error = error_of([&] { refuse_changes(before, now); });
      INFO(s.name << ": " << error);
      CHECK((error == "no error") == allowed);
      if (!allowed) CHECK(contains(error, s.flag() + " is "));
      refused += !allowed;
    }
    CHECK(refused > (fresh ? 40 : 60));
  }
}

}  // namespace
}  // namespace salu::test
