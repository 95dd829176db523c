#include <algorithm>
#include <charconv>

#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::path {
namespace {

constexpr std::string_view kBaseUnits[] = {"m", "s", "g", "rad", "K", "C", "cd", "mol"};
constexpr size_t kCalendarMonth = 8;
constexpr int kDepthMax = 10;
constexpr int kExponentMax = 30;

struct Prefix {
  std::string_view code;
  int exponent;
};
// The binary ones (Ki, Mi ...) are left out: nothing is measured in bytes here.
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
  UnitParser(std::string_view text, int depth) : text_(text), depth_(depth) {}

  std::optional<Unit> Parse() {
    Unit out;
    const bool whole = Term(&out, 1, 0) && at_ == text_.size();
    const bool alone = !has_offset_ || components_ == 1;
    return whole && alone ? std::optional<Unit>(out) : std::nullopt;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Term(Unit* out, int sign, int nesting) {
    if (nesting > kDepthMax) {
      return false;
    }
    int direction = sign;
    if (peek() == '/') {
      direction = -sign;
      ++at_;
    }
    while (true) {
      if (!Component(out, direction, nesting)) {
        return false;
      }
      if (peek() != '.' && peek() != '/') {
        return true;
      }
      direction = peek() == '/' ? -sign : sign;
      ++at_;
    }
  }

  bool Component(Unit* out, int direction, int nesting) {
    if (peek() == '(') {
      ++at_;
      if (!Term(out, direction, nesting + 1) || peek() != ')') {
        return false;
      }
      ++at_;
      return true;
    }
    if (peek() == '{') {
      return Annotation();
    }
    ++components_;
    const bool number = peek() >= '0' && peek() <= '9' && !IsTenPower();
    if (number) {
      return Number(out, direction);
    }
    const std::string_view symbol = Symbol();
    int exponent = 1;
    return !symbol.empty() && Exponent(&exponent) && Resolve(symbol, out, exponent * direction) &&
           (peek() != '{' || Annotation());
  }

  bool IsTenPower() const {
    const std::string_view start = text_.substr(at_, 3);
    return start == "10*" || start == "10^";
  }

  bool Number(Unit* out, int direction) {
    const size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') {
      ++at_;
    }
    const std::optional<Decimal> number = ParseDecimal(text_.substr(begin, at_ - begin));
    return number && number->digits != 0 && Apply(out, *number, direction) &&
           (peek() != '{' || Annotation());
  }

  bool Annotation() {
    const size_t close = text_.find('}', at_);
    const bool closed = close != std::string_view::npos &&
                        text_.substr(at_ + 1, close - at_ - 1).find('{') == std::string_view::npos;
    at_ = closed ? close + 1 : text_.size();
    return closed;
  }

  // A symbol ends at an operator, or where its exponent begins; digits in brackets belong to it.
  std::string_view Symbol() {
    const size_t begin = at_;
    if (IsTenPower()) {
      at_ += 3;
      return text_.substr(begin, 3);
    }
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if ((c >= '0' && c <= '9') ||
          std::string_view("./(){}+-").find(c) != std::string_view::npos) {
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
    return read.ec == std::errc() && *out >= -kExponentMax && *out <= kExponentMax;
  }

  static bool Apply(Unit* out, const Decimal& factor, int exponent) {
    for (int i = 0; i < std::abs(exponent); ++i) {
      if (!Scale(exponent > 0 ? &out->numerator : &out->denominator, factor)) {
        return false;
      }
    }
    return true;
  }

  bool Resolve(std::string_view symbol, Unit* out, int exponent) {
    const UnitAtom* atom = FindUnitAtom(symbol);
    int prefix_exponent = 0;
    for (size_t i = 0; i < kPrefixes.size() && atom == nullptr; ++i) {
      const Prefix& prefix = kPrefixes[i];
      if (symbol.starts_with(prefix.code)) {
        const UnitAtom* found = FindUnitAtom(symbol.substr(prefix.code.size()));
        atom = found != nullptr && found->takes_prefix() ? found : nullptr;
        prefix_exponent = prefix.exponent;
      }
    }
    if (atom == nullptr || !ApplyAtom(*atom, out, exponent)) {
      return false;
    }
    const Decimal ten_power{PowerOfTen(std::abs(prefix_exponent)), 0};
    return Apply(out, ten_power, prefix_exponent < 0 ? -exponent : exponent);
  }

  bool ApplyAtom(const UnitAtom& atom, Unit* out, int exponent) {
    switch (atom.kind) {
      case UnitAtom::Kind::kBase: {
        const auto* base = std::find(std::begin(kBaseUnits), std::end(kBaseUnits), atom.code);
        out->dimension[static_cast<size_t>(base - std::begin(kBaseUnits))] += exponent;
        return true;
      }
      case UnitAtom::Kind::kArbitrary:
      case UnitAtom::Kind::kArbitraryMetric:
        return AddArbitrary(PlaceOf(atom), exponent, out);
      case UnitAtom::Kind::kOffset:
        has_offset_ = true;
        out->offset = *ParseDecimal(atom.offset);
        return exponent == 1 && ApplyDefinition(atom, out, exponent);
      default:
        return ApplyDefinition(atom, out, exponent);
    }
  }

  bool ApplyDefinition(const UnitAtom& atom, Unit* out, int exponent) const {
    const std::optional<Unit> unit =
        depth_ < kDepthMax ? UnitParser(atom.unit, depth_ + 1).Parse() : std::nullopt;
    const std::optional<Decimal> value = ParseDecimal(atom.value);
    if (!unit || !value) {
      return false;
    }
    for (size_t i = 0; i < unit->dimension.size(); ++i) {
      out->dimension[i] += unit->dimension[i] * exponent;
    }
    for (const Unit::Arbitrary& arbitrary : unit->arbitrary) {
      if (!AddArbitrary(arbitrary.place, arbitrary.exponent * exponent, out)) {
        return false;
      }
    }
    return Apply(out, *value, exponent) && Apply(out, unit->numerator, exponent) &&
           Apply(out, unit->denominator, -exponent);
  }

  // False where there are more arbitrary units than a unit has room for.
  static bool AddArbitrary(size_t place, int exponent, Unit* out) {
    if (exponent == 0) {
      return true;
    }
    auto& list = out->arbitrary;
    for (Unit::Arbitrary& one : list) {
      if (one.exponent != 0 && one.place == place) {
        one.exponent += exponent;
        one = one.exponent == 0 ? Unit::Arbitrary() : one;
        std::sort(list.begin(), list.end(), Before);
        return true;
      }
    }
    if (list.back().exponent != 0) {
      return false;
    }
    list.back() = {place, exponent};
    std::sort(list.begin(), list.end(), Before);
    return true;
  }

  static bool Before(const Unit::Arbitrary& a, const Unit::Arbitrary& b) {
    const bool a_used = a.exponent != 0;
    const bool b_used = b.exponent != 0;
    return a_used != b_used ? a_used : a.place < b.place;
  }

  std::string_view text_;
  int depth_;  // of definitions
  size_t at_ = 0;
  int components_ = 0;
  bool has_offset_ = false;
};

std::optional<Unit> CalendarUnitOf(const CalendarName& name) {
  if (name.unit > CalendarUnit::kMonth) {
    return UnitParser(name.ucum, 0).Parse();
  }
  Unit out;
  out.dimension[kCalendarMonth] = 1;
  out.numerator = Decimal{name.unit == CalendarUnit::kYear ? 12 : 1, 0};
  return out;
}

}  // namespace

std::optional<Unit> ParseUnit(std::string_view text) {
  const CalendarName* name = FindCalendarName(text);
  return name != nullptr ? CalendarUnitOf(*name) : UnitParser(text, 0).Parse();
}

bool Comparable(std::string_view a, std::string_view b) {
  if (a == b) {
    return true;
  }
  const std::optional<Unit> x = ParseUnit(a);
  const std::optional<Unit> y = ParseUnit(b);
  return x && y && x->Measures(*y);
}

std::optional<Decimal> Convert(const Decimal& value, std::string_view from, std::string_view to) {
  const std::optional<Unit> source = ParseUnit(from);
  const std::optional<Unit> target = ParseUnit(to);
  if (!source || !target || !source->Measures(*target)) {
    return std::nullopt;
  }
  const std::optional<Decimal> shifted = Add(value, source->offset);
  if (!shifted) {
    return std::nullopt;
  }
  Decimal top = *shifted;
  Decimal bottom = source->denominator;
  if (!Scale(&top, source->numerator) || !Scale(&top, target->denominator) ||
      !Scale(&bottom, target->numerator)) {
    return std::nullopt;
  }
  const std::optional<Decimal> scaled = DivideFully(top, bottom);
  const std::optional<Decimal> out = scaled ? Subtract(*scaled, target->offset) : std::nullopt;
  return out ? std::optional(WithoutTrailingZeros(*out)) : std::nullopt;
}

bool HasOffset(std::string_view text) {
  const UnitAtom* atom = FindUnitAtom(text.substr(0, text.find('{')));
  return atom != nullptr && atom->kind == UnitAtom::Kind::kOffset;
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
