// UCUM: what the table says, against figures that are known elsewhere.
#include <gtest/gtest.h>

#include <string>

#include "gateway/fhir/path/ucum_internal.h"
#include "tests/fhir/path_testing.h"

namespace gw::fhir::path {
namespace {

std::string Converted(std::string_view value, std::string_view from, std::string_view to) {
  const std::optional<Decimal> number = ParseDecimal(value);
  const std::optional<Decimal> converted = Convert(*number, from, to);
  if (!converted) {
    return "none";
  }
  Arena arena;
  // Twelve digits after the point tell any two of these apart.
  const Decimal rounded = *Rescale(*converted, 12, Rounding::kHalfUp);
  return std::string(FormatDecimal(WithoutTrailingZeros(rounded), &arena));
}

struct Case {
  std::string_view value;
  std::string_view from;
  std::string_view to;
  std::string_view expected;
};

TEST(Ucum, Converts) {
  static constexpr Case kCases[] = {
      // mass, length, volume
      {"1", "kg", "g", "1000"},
      {"1", "[lb_av]", "g", "453.59237"},
      {"1", "[oz_av]", "g", "28.349523125"},
      {"11", "[stone_av]", "kg", "69.85322498"},
      {"1", "[oz_tr]", "g", "31.1034768"},
      {"1", "[dr_ap]", "g", "3.8879346"},
      {"1", "t", "kg", "1000"},
      {"1", "ug", "ng", "1000"},
      {"70", "[in_i]", "cm", "177.8"},
      {"1", "[mi_i]", "km", "1.609344"},
      {"1", "[nmi_i]", "m", "1852"},
      {"1", "[ft_us]", "m", "0.304800609601"},
      {"16", "[Ch]", "mm", "5.333333333333"},
      {"1", "Ao", "nm", "0.1"},
      {"1", "[gal_us]", "L", "3.785411784"},
      {"1", "[foz_us]", "mL", "29.5735295625"},
      {"1", "[cup_us]", "mL", "236.5882365"},
      {"1", "[tsp_us]", "mL", "4.92892159375"},
      {"1", "[pt_br]", "mL", "568.26125"},
      {"1", "[foz_br]", "mL", "28.4130625"},
      {"2", "[tsp_m]", "mL", "10"},
      {"20", "[drp]", "mL", "1"},
      {"1", "m2", "cm2", "10000"},
      {"1", "[sft_i]", "m2", "0.09290304"},
      // time
      {"2", "wk", "d", "14"},
      {"1", "a", "d", "365.25"},
      {"1", "mo", "d", "30.4375"},
      {"90", "min", "h", "1.5"},
      {"60", "/min", "Hz", "1"},
      {"1", "d", "ms", "86400000"},
      // temperature
      {"37", "Cel", "K", "310.15"},
      {"98.6", "[degF]", "Cel", "37"},
      {"38.5", "Cel", "[degF]", "101.3"},
      {"-40", "[degF]", "Cel", "-40"},
      {"80", "[degRe]", "Cel", "100"},
      {"491.67", "[degR]", "Cel", "0"},
      {"37", "Cel{oral}", "[degF]", "98.6"},
      // amounts and concentrations
      {"1", "mg/dL", "g/L", "0.01"},
      {"5.5", "mmol/L", "umol/mL", "5.5"},
      {"1", "g%", "g/L", "10"},
      {"1", "mg%", "mg/dL", "1"},
      {"1", "10*3/uL", "10*9/L", "1"},
      {"4.5", "10*6/mm3", "10*12/L", "4.5"},
      {"1", "10^3/uL", "10*3/uL", "1"},
      {"1", "meq/L", "mmol/L", "1"},
      {"1", "mosm/kg", "mmol/kg", "1"},
      {"1", "U/L", "nkat/L", "16.666666666667"},
      {"1", "kat", "U", "60000000"},
      {"1", "k[iU]/mL", "[iU]/mL", "1000"},
      {"1", "[IU]/L", "m[iU]/mL", "1"},
      {"5", "/[HPF]", "/[LPF]", "500"},
      {"1", "%", "[ppth]", "10"},
      {"1", "%", "1", "0.01"},
      {"1", "mg/g{creat}", "ug/mg", "1"},
      {"1", "mg/(24.h)", "mg/d", "1"},
      {"1", "ug/kg/min", "mg/kg/h", "0.06"},
      {"1", "mL/min/{1.73_m2}", "L/h", "0.06"},
      // pressure, energy, force, power
      {"760", "mm[Hg]", "atm", "0.999997236615"},
      {"120", "mm[Hg]", "kPa", "15.99864"},
      {"1", "cm[H2O]", "Pa", "98.0665"},
      {"1", "[psi]", "kPa", "6.894757293168"},
      {"1", "bar", "kPa", "100"},
      {"1", "kcal", "kJ", "4.184"},
      {"1", "[Cal]", "kcal", "1"},
      {"1", "cal_IT", "J", "4.1868"},
      {"1", "kW.h", "MJ", "3.6"},
      {"1", "[HP]", "W", "745.69987158227"},
      {"1", "kgf", "N", "9.80665"},
      {"1", "erg", "uJ", "0.1"},
      {"1", "eV", "aJ", "0.160217733"},
      {"1", "[wood'U]", "[PRU]", "0.06"},
      // electricity, light, radiation
      {"1", "V", "mV", "1000"},
      {"1", "mho", "S", "1"},
      {"1", "Ohm.A", "V", "1"},
      {"1", "F.V", "C", "1"},
      {"1", "G", "uT", "100"},
      {"1", "lx", "lm/m2", "1"},
      {"1", "mCi", "MBq", "37"},
      {"100", "RAD", "Gy", "1"},
      {"1", "rem", "mSv", "none"},  // case counts
      {"1", "REM", "mSv", "10"},
      {"1", "R", "uC/kg", "258"},
      // angles, lenses
      {"180", "deg", "rad", "3.14159265359"},
      {"1", "deg", "'", "60"},
      {"1", "circ", "deg", "360"},
      {"100", "gon", "deg", "90"},
      {"2", "[diop]", "m-1", "2"},
      {"1", "[MET]", "mL/kg/min", "3.5"},
      // the grammar
      {"1", "kg.m/s2", "N", "1"},
      {"1", "kg.m.s-2", "N", "1"},
      {"1", "m+2", "m2", "1"},
      {"1", "/(s.m)", "s-1.m-1", "1"},
      {"1", "(m/s)/s", "m.s-2", "1"},
      {"1", "m/s/s", "m/s2", "1"},
      {"1", "12.[in_i]", "[ft_i]", "1"},
      {"1", "10*-3.g", "mg", "1"},
      {"1", "{tablet}", "1", "1"},
      {"1", "{a}/{b}", "1", "1"},
      {"1", "/{beats}", "1", "1"},
      {"1", "dag", "g", "10"},
      {"1", "week", "d", "7"},
      {"2", "years", "months", "24"},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(Converted(one.value, one.from, one.to), one.expected)
        << one.value << " " << one.from << " in " << one.to;
  }
}

TEST(Ucum, RefusesWhatCannotBeCompared) {
  static constexpr Case kCases[] = {
      {"1", "kg", "m", "none"},
      {"1", "mol", "1", "none"},    // an amount of substance is no mere number here
      {"1", "[iU]", "mg", "none"},  // arbitrary units
      {"1", "[iU]", "U", "none"},   // are not each other's either
      {"1", "[CFU]/mL", "[PFU]/mL", "none"},
      {"1", "k[CFU]", "[CFU]", "none"},  // takes no prefix
      {"1", "kmin", "s", "none"},
      {"1", "month", "mo", "none"},       // a calendar month is no 30.4375 days
      {"1", "Cel/min", "K/min", "none"},  // scales stand alone
      {"1", "Cel2", "K2", "none"},
      {"1", "mCel", "K", "none"},
      {"1", "[pH]", "mol/L", "none"},  // outside: logarithms
      {"1", "mg/", "mg", "none"},
      {"1", "mg//mL", "mg/mL", "none"},
      {"1", ".mg", "mg", "none"},
      {"1", "mg mL", "mg", "none"},
      {"1", "(mg", "mg", "none"},
      {"1", "mg)", "mg", "none"},
      {"1", "mg{a", "mg", "none"},
      {"1", "mg{a{b}}", "mg", "none"},
      {"1", "m99", "m", "none"},
      {"1", "0.m", "m", "none"},
      {"1", "[nosuch]", "1", "none"},
      {"1", "[lb_av", "g", "none"},
      {"1", "MG", "mg", "none"},
      {"1", "", "1", "none"},
      {"1", "Ym.Ym.Ym", "m3", "none"},  // past 37 digits
      {"1", "((((((((((((m))))))))))))", "m", "none"},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(Converted(one.value, one.from, one.to), one.expected)
        << one.value << " " << one.from << " in " << one.to;
  }
}

// Each row of the table can be read and comes to something.
TEST(Ucum, EveryAtomIsDefinedByOthers) {
  for (const std::string_view code :
       {"[degRe]",  "[HP]",     "[in_i'Hg]", "[in_i'H2O]", "[wood'U]", "Wb",      "T",
        "H",        "lm",       "sph",       "[ly]",       "AU",       "pc",      "u",
        "b",        "[den]",    "tex",       "St",         "P",        "Bi",      "Mx",
        "sb",       "ph",       "Ky",        "Gal",        "[hd_i]",   "[cyd_i]", "[bbl_us]",
        "[min_us]", "[min_br]", "[lton_av]", "[sc_ap]",    "[Btu_IT]", "[Btu]",   "att",
        "[kn_i]",   "mo_s",     "mo_g",      "a_t",        "''",       "By",      "Bd",
        "[S]",      "[EU]"}) {
    const std::optional<Unit> unit = ParseUnit(code);
    ASSERT_TRUE(unit) << code;
    EXPECT_NE(unit->numerator.digits, 0) << code;
  }
}

// Many quantities are told apart by their hash: a few thousand would take minutes one by one.
TEST(Ucum, EqualQuantitiesHashAlike) {
  const std::string numbers = "'" + std::string(3000, 'a') + "'.toChars().select($index)";
  EXPECT_EQ(Outcome("(" + numbers + ".select($this * 1 'g')).combine(" + numbers +
                        ".select($this * 1000 'mg')).distinct().count()",
                    nullptr),
            "3000");
  EXPECT_EQ(Outcome("'" + std::string(30, 'a') +
                        "'.toChars().select(iif($index mod 2 = 0, 0.5 '/min', 30 '/h'))"
                        ".distinct().count()",
                    nullptr),
            "1");
}

TEST(Ucum, InExpressions) {
  struct Expression {
    std::string_view text;
    std::string_view expected;
  };
  static constexpr Expression kCases[] = {
      {"37 'Cel' = 98.6 '[degF]'", "true"},
      {"38 'Cel' > 100 '[degF]'", "true"},
      {"37 'Cel' + 1 '[degF]'", ""},
      {"37 'Cel' + 1 'Cel'", "38 'Cel'"},
      {"(98.6 '[degF]').toQuantity('Cel')", "37 'Cel'"},
      {"1 '[iU]' = 1 '[IU]'", "true"},
      {"1 '[CFU]' = 1 '[PFU]'", ""},
      {"5.6 '[pH]' = 5.60 '[pH]'", "true"},
      {"(1 'g' | 1000 'mg' | 2 'g').count()", "2"},
      {"1 'mg'.comparable(1 'mmol')", "false"},
  };
  for (const Expression& one : kCases) {
    EXPECT_EQ(Outcome(one.text, nullptr), one.expected) << one.text;
  }
}

}  // namespace
}  // namespace gw::fhir::path
