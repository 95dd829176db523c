#include <algorithm>
#include <charconv>

#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::path {
namespace {

enum Dimension : size_t {
  kMetre,
  kSecondOfTime,
  kGram,
  kRadian,
  kKelvin,
  kCoulomb,
  kCandela,
  kMole,
  kInternationalUnit,
  kEnzymeUnit,
  kCalendarMonth
};
constexpr size_t kDimensions = 11;

struct Atom {
  std::string_view code;
  std::string_view factor;
  bool metric;  // takes prefixes
  std::array<int8_t, kDimensions> dimension;
};

// Columns of the dimension: m, s, g, rad, K, C, cd, mol, [iU], U, calendar month.
// Left out: units with an offset or a logarithm (Cel, [degF], [pH], B): they compare with
// themselves only.
constexpr auto kAtoms = std::to_array<Atom>({
    {"m", "1", true, {1}},
    {"s", "1", true, {0, 1}},
    {"g", "1", true, {0, 0, 1}},
    {"rad", "1", true, {0, 0, 0, 1}},
    {"K", "1", true, {0, 0, 0, 0, 1}},
    {"C", "1", true, {0, 0, 0, 0, 0, 1}},
    {"cd", "1", true, {0, 0, 0, 0, 0, 0, 1}},
    {"mol", "1", true, {0, 0, 0, 0, 0, 0, 0, 1}},
    {"eq", "1", true, {0, 0, 0, 0, 0, 0, 0, 1}},
    {"osm", "1", true, {0, 0, 0, 0, 0, 0, 0, 1}},
    {"[iU]", "1", true, {0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"[IU]", "1", true, {0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"U", "1", true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"L", "0.001", true, {3}},
    {"l", "0.001", true, {3}},
    {"N", "1000", true, {1, -2, 1}},
    {"Pa", "1000", true, {-1, -2, 1}},
    {"J", "1000", true, {2, -2, 1}},
    {"W", "1000", true, {2, -3, 1}},
    {"A", "1", true, {0, -1, 0, 0, 0, 1}},
    {"V", "1000", true, {2, -2, 1, 0, 0, -1}},
    {"Hz", "1", true, {0, -1}},
    {"Bq", "1", true, {0, -1}},
    {"Gy", "1", true, {2, -2}},
    {"Sv", "1", true, {2, -2}},
    {"kat", "1", true, {0, -1, 0, 0, 0, 0, 0, 1}},
    {"bar", "100000000", true, {-1, -2, 1}},
    {"t", "1000000", true, {0, 0, 1}},
    {"cal", "4184", true, {2, -2, 1}},
    {"cal_th", "4184", true, {2, -2, 1}},
    {"m[Hg]", "133322000", true, {-1, -2, 1}},
    {"m[H2O]", "9806650", true, {-1, -2, 1}},
    {"dyn", "0.01", true, {1, -2, 1}},
    {"Ci", "37000000000", true, {0, -1}},
    {"[Cal]", "4184000", false, {2, -2, 1}},
    {"atm", "101325000", false, {-1, -2, 1}},
    {"min", "60", false, {0, 1}},
    {"h", "3600", false, {0, 1}},
    {"d", "86400", false, {0, 1}},
    {"wk", "604800", false, {0, 1}},
    {"mo", "2629800", false, {0, 1}},
    {"a", "31557600", false, {0, 1}},
    {"[in_i]", "0.0254", false, {1}},
    {"[in_us]", "0.0254000508", false, {1}},
    {"[ft_i]", "0.3048", false, {1}},
    {"[yd_i]", "0.9144", false, {1}},
    {"[mi_i]", "1609.344", false, {1}},
    {"[nmi_i]", "1852", false, {1}},
    {"[lb_av]", "453.59237", false, {0, 0, 1}},
    {"[oz_av]", "28.349523125", false, {0, 0, 1}},
    {"[stone_av]", "6350.29318", false, {0, 0, 1}},
    {"[gr]", "0.06479891", false, {0, 0, 1}},
    {"[gal_us]", "0.003785411784", false, {3}},
    {"[qt_us]", "0.000946352946", false, {3}},
    {"[pt_us]", "0.000473176473", false, {3}},
    {"[cup_us]", "0.0002365882365", false, {3}},
    {"[foz_us]", "0.0000295735295625", false, {3}},
    {"[tbs_us]", "0.00001478676478125", false, {3}},
    {"[tsp_us]", "0.00000492892159375", false, {3}},
    {"deg", "0.017453292519943295769", false, {0, 0, 0, 1}},
    {"%", "0.01", false, {}},
    {"[ppth]", "0.001", false, {}},
    {"[ppm]", "0.000001", false, {}},
    {"[ppb]", "0.000000001", false, {}},
    {"10*", "10", false, {}},
    {"10^", "10", false, {}},
});

struct Prefix {
  std::string_view code;
  int exponent;
};
constexpr std::array<Prefix, 20> kPrefixes = {{
    {"da", 1}, {"Y", 24},  {"Z", 21},  {"E", 18},  {"P", 15},  {"T", 12},  {"G", 9},
    {"M", 6},  {"k", 3},   {"h", 2},   {"d", -1},  {"c", -2},  {"m", -3},  {"u", -6},
    {"n", -9}, {"p", -12}, {"f", -15}, {"a", -18}, {"z", -21}, {"y", -24},
}};

struct CalendarName {
  std::string_view name;
  CalendarUnit unit;
  std::string_view ucum;
};
constexpr std::array<CalendarName, 8> kCalendarNames = {{
    {"year", CalendarUnit::kYear, "a"},
    {"month", CalendarUnit::kMonth, "mo"},
    {"week", CalendarUnit::kWeek, "wk"},
    {"day", CalendarUnit::kDay, "d"},
    {"hour", CalendarUnit::kHour, "h"},
    {"minute", CalendarUnit::kMinute, "min"},
    {"second", CalendarUnit::kSecond, "s"},
    {"millisecond", CalendarUnit::kMillisecond, "ms"},
}};

const CalendarName* FindCalendarName(std::string_view text) {
  if (text.size() > 3 && text.back() == 's') {
    text.remove_suffix(1);
  }
  const auto* found =
      std::find_if(kCalendarNames.begin(), kCalendarNames.end(),
                   [text](const CalendarName& entry) { return entry.name == text; });
  return found == kCalendarNames.end() ? nullptr : found;
}

const Atom* FindAtom(std::string_view code) {
  const auto* found = std::find_if(kAtoms.begin(), kAtoms.end(),
                                   [code](const Atom& atom) { return atom.code == code; });
  return found == kAtoms.end() ? nullptr : found;
}

bool Scale(Decimal* value, const Decimal& factor) {
  const std::optional<Decimal> product = Multiply(*value, factor);
  if (product) {
    *value = WithoutTrailingZeros(*product);
  }
  return product.has_value();
}

// The grammar of UCUM section 4: terms of components with exponents, '.', '/', brackets.
class UnitParser {
 public:
  explicit UnitParser(std::string_view text) : text_(text) {}

  std::optional<Unit> Parse() {
    Unit out;
    return Term(&out, 1, 0) && at_ == text_.size() ? std::optional<Unit>(out) : std::nullopt;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Term(Unit* out, int sign, int depth) {
    if (depth > 10) {
      return false;
    }
    int direction = sign;
    if (peek() == '/') {
      direction = -sign;
      ++at_;
    }
    while (true) {
      if (!Component(out, direction, depth)) {
        return false;
      }
      if (peek() != '.' && peek() != '/') {
        return true;
      }
      direction = peek() == '/' ? -sign : sign;
      ++at_;
    }
  }

  bool Component(Unit* out, int direction, int depth) {
    if (peek() == '(') {
      ++at_;
      if (!Term(out, direction, depth + 1) || peek() != ')') {
        return false;
      }
      ++at_;
      return true;
    }
    if (peek() == '{') {
      return Annotation();
    }
    const std::string_view symbol = Symbol();
    if (symbol.empty()) {
      return false;
    }
    const bool plain_number =
        std::all_of(symbol.begin(), symbol.end(), [](char c) { return c >= '0' && c <= '9'; });
    int exponent = 1;
    if (!plain_number && !Exponent(&exponent)) {
      return false;
    }
    if (plain_number) {
      const std::optional<Decimal> number = ParseDecimal(symbol);
      return number && number->digits != 0 && Apply(out, *number, direction) &&
             (peek() != '{' || Annotation());
    }
    return Resolve(symbol, out, exponent * direction) && (peek() != '{' || Annotation());
  }

  bool Annotation() {
    const size_t close = text_.find('}', at_);
    at_ = close == std::string_view::npos ? text_.size() : close + 1;
    return close != std::string_view::npos;
  }

  // A symbol ends at an operator, or where its exponent begins; digits in brackets belong to it.
  std::string_view Symbol() {
    const size_t begin = at_;
    if (text_.substr(at_, 3) == "10*" || text_.substr(at_, 3) == "10^") {
      at_ += 3;
      return text_.substr(begin, 3);
    }
    const bool number = peek() >= '0' && peek() <= '9';
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool digit = c >= '0' && c <= '9';
      if (digit != number || std::string_view("./(){}+-").find(c) != std::string_view::npos) {
        break;
      }
      if (c == '[') {
        const size_t close = text_.find(']', at_);
        if (close == std::string_view::npos) {
          return {};
        }
        at_ = close;
      }
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  bool Exponent(int* out) {
    const bool sign = peek() == '-' || peek() == '+';
    if (!sign && (peek() < '0' || peek() > '9')) {
      return true;
    }
    at_ += peek() == '+' ? size_t{1} : size_t{0};
    const char* begin = text_.data() + at_;
    const auto read = std::from_chars(begin, text_.data() + text_.size(), *out);
    at_ += static_cast<size_t>(read.ptr - begin);
    return read.ec == std::errc() && *out >= -30 && *out <= 30;
  }

  static bool Apply(Unit* out, const Decimal& factor, int exponent) {
    for (int i = 0; i < std::abs(exponent); ++i) {
      if (!Scale(exponent > 0 ? &out->numerator : &out->denominator, factor)) {
        return false;
      }
    }
    return true;
  }

  static bool Resolve(std::string_view symbol, Unit* out, int exponent) {
    const Atom* atom = FindAtom(symbol);
    int prefix_exponent = 0;
    for (size_t i = 0; i < kPrefixes.size() && atom == nullptr; ++i) {
      const Prefix& prefix = kPrefixes[i];
      if (symbol.starts_with(prefix.code)) {
        const Atom* found = FindAtom(symbol.substr(prefix.code.size()));
        atom = found != nullptr && found->metric ? found : nullptr;
        prefix_exponent = prefix.exponent;
      }
    }
    if (atom == nullptr) {
      return false;
    }
    for (size_t i = 0; i < kDimensions; ++i) {
      out->dimension[i] += atom->dimension[i] * exponent;
    }
    const std::optional<Decimal> factor = ParseDecimal(atom->factor);
    const Decimal ten_power{PowerOfTen(std::abs(prefix_exponent)), 0};
    return factor && Apply(out, *factor, exponent) &&
           Apply(out, ten_power, prefix_exponent < 0 ? -exponent : exponent);
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::optional<Unit> CalendarUnitOf(const CalendarName& name) {
  if (name.unit > CalendarUnit::kMonth) {
    return UnitParser(name.ucum).Parse();
  }
  Unit out;
  out.dimension[kCalendarMonth] = 1;
  out.numerator = Decimal{name.unit == CalendarUnit::kYear ? 12 : 1, 0};
  return out;
}

}  // namespace

std::optional<Unit> ParseUnit(std::string_view text) {
  const CalendarName* name = FindCalendarName(text);
  return name != nullptr ? CalendarUnitOf(*name) : UnitParser(text).Parse();
}

bool Comparable(std::string_view a, std::string_view b) {
  if (a == b) {
    return true;
  }
  const std::optional<Unit> x = ParseUnit(a);
  const std::optional<Unit> y = ParseUnit(b);
  return x && y && x->dimension == y->dimension;
}

std::optional<Decimal> Convert(const Decimal& value, std::string_view from, std::string_view to) {
  const std::optional<Unit> source = ParseUnit(from);
  const std::optional<Unit> target = ParseUnit(to);
  if (!source || !target || source->dimension != target->dimension) {
    return std::nullopt;
  }
  Decimal top = value;
  Decimal bottom = source->denominator;
  if (!Scale(&top, source->numerator) || !Scale(&top, target->denominator) ||
      !Scale(&bottom, target->numerator)) {
    return std::nullopt;
  }
  return DivideFully(top, bottom);
}

std::optional<CalendarUnit> CalendarWordOf(std::string_view text) {
  const CalendarName* name = FindCalendarName(text);
  return name == nullptr ? std::nullopt : std::optional<CalendarUnit>(name->unit);
}

std::optional<CalendarUnit> DefiniteDurationOf(std::string_view text) {
  for (const CalendarName& entry : kCalendarNames) {
    if (entry.ucum == text && entry.unit > CalendarUnit::kMonth) {
      return entry.unit;
    }
  }
  return std::nullopt;
}

bool EquivalentDurations(std::string_view a, std::string_view b) {
  const CalendarName* x = FindCalendarName(a);
  const CalendarName* y = FindCalendarName(b);
  return (x != nullptr && x->ucum == b) || (y != nullptr && y->ucum == a);
}

}  // namespace gw::fhir::path
