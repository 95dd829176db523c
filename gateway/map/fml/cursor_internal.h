#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/map/fml/fml.h"
#include "gateway/map/fml/lexer_internal.h"

namespace gw::map {

// The tokens of a map file with a place in them, and what all its parts share: names, literals,
// arguments and FHIRPath. `text` must outlive it. Each Read... that fails says what it expected.
class FmlCursor {
 public:
  FmlCursor(std::string_view file, std::string_view text, FmlTokens tokens)
      : file_(file),
        text_(text),
        made_(std::move(tokens.made)),
        comments_(std::move(tokens.comments)),
        tokens_(std::move(tokens.list)) {}

  std::string_view file() const { return file_; }
  std::vector<FmlToken>& tokens() { return tokens_; }
  const FmlToken& Now() const { return tokens_[at_]; }
  const FmlToken& Next() const;
  const FmlToken& Take();
  bool TakeIf(std::string_view symbol);
  bool TakeWord(std::string_view word);
  size_t position() const { return at_; }
  // The comments of the tokens [begin, end) that nobody took yet, in their order; empty if none.
  std::string TakeComments(size_t begin, size_t end);
  // Of those of the current token, what stands apart from it.
  std::string TakeApart();
  std::string_view Slice(uint32_t begin, uint32_t end) const {
    return text_.substr(begin, end - begin);
  }

  Error Fail(std::string detail, FmlPlace place) const;
  Error Expected(std::string_view what) const;
  Status Expect(std::string_view symbol);
  Status ExpectWord(std::string_view word);
  Result<std::string> Name(std::string_view what);
  Result<std::string> Text(std::string_view what);
  Result<std::string> NameOrText(std::string_view what);
  Result<uint32_t> Integer();
  // A type: CodeableConcept, PPP_PCB.PATHWAY, 'Questionnaire.item'.
  Result<std::string> TypeName();

  // Arguments up to and with ")", after "(".
  Result<std::vector<FmlArgument>> Arguments();
  Result<FmlArgument> Argument();
  Result<FmlArgument> Literal();
  // ( expression ), and what may follow it without an operator: ( ... ).first()
  Result<FmlArgument> PathArgument();
  // The longest run of tokens that can be one FHIRPath; its own compiler judges it later.
  Result<FmlPath> Path();

 private:
  Status Postfix();
  bool PathEnds(size_t begin, int depth) const;
  std::string PathText(size_t begin, size_t end) const;

  std::string_view file_;
  std::string_view text_;
  std::deque<std::string> made_;  // what tokens view
  std::vector<FmlComments> comments_;
  std::vector<FmlToken> tokens_;
  size_t at_ = 0;
};

}  // namespace gw::map
