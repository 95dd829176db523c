#pragma once

// What Error::hl7_code and ERR-3 of an acknowledgment hold: the codes of HL7 table 0357 (message
// error condition codes, HL7 v2.9 chapter 2C) that Caregate gives, by the table's own terms. 0,
// "message accepted", is no error and stands for none there. Plain numbers, as the table's are, and
// apart from result.h, which nearly everything includes and few need these for.
namespace gw::hl7_code {

inline constexpr int kSegmentSequenceError = 100;
inline constexpr int kRequiredFieldMissing = 101;
inline constexpr int kDataTypeError = 102;
inline constexpr int kTableValueNotFound = 103;
inline constexpr int kUnsupportedMessageType = 200;
inline constexpr int kUnsupportedEventCode = 201;
inline constexpr int kUnsupportedProcessingId = 202;
inline constexpr int kUnsupportedVersionId = 203;
inline constexpr int kUnknownKeyIdentifier = 204;
inline constexpr int kDuplicateKeyIdentifier = 205;
inline constexpr int kApplicationRecordLocked = 206;
inline constexpr int kApplicationError = 207;

}  // namespace gw::hl7_code
