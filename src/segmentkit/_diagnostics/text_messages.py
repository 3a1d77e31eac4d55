"""The messages about texts, JSON, files, targets and other tools (SK0…, SK3… to SK5…)."""

from __future__ import annotations

from segmentkit._diagnostics.code import Code

TABLE = (
    # What the text looks like
    Code(
        "SK001",
        "{found} is not expected here",
        "The text does not follow the grammar at this place.",
    ),
    Code(
        "SK002",
        "the definition ends too early",
        "Something must follow: an operand, a bracket, a unit.",
    ),
    Code(
        "SK003",
        "this text has no closing quote",
        "A text in quotes ends on the line it starts on.",
        hint="close it with {quote}",
    ),
    Code(
        "SK004",
        "'{text}' is not a length of time",
        "Units are words, because `m` means minutes in some systems and months in others.",
        hint="write the unit as a word: {suggestion}",
    ),
    Code(
        "SK005",
        "tests do not chain",
        "A comparison of a comparison has no meaning in the language.",
        hint="write 'x between a and b', or 'a < x and x < b'",
    ),
    Code(
        "SK006",
        "the definition has {length:,} characters; at most {limit:,} are allowed",
        "A definition is for people to read; a long list of keys or values is data.",
        hint="keep long lists outside the definition",
    ),
    Code(
        "SK007",
        "the definition is nested too deeply",
        "Databases refuse deep nesting; the language refuses it first, everywhere alike.",
        hint="put fewer conditions and values inside one another",
    ),
    Code("SK008", "the definition is empty", "A segment needs a condition."),
    Code(
        "SK009",
        "'{text}' is not an operator of the language",
        "An operator of another language; the hint names ours.",
        hint="write {suggestion}",
    ),
    Code(
        "SK010",
        "'{text}' is not a date of the calendar",
        "Dates are written 2026-05-09, instants 2026-05-09T12:00Z.",
    ),
    Code(
        "SK011",
        "'{text}' is not an escape",
        "The escapes are \\\" \\' \\\\ \\n \\r \\t and \\u with four hexadecimal digits.",
        hint="write \\\\ for a backslash",
    ),
    Code(
        "SK012",
        "'{word} {unit}' is not a window",
        "A rolling window needs a number; a calendar window has a word of its own.",
        hint="write 'in {word} 1 {unit}' (rolling) or 'in {calendar} {unit}' (calendar)",
    ),
    Code(
        "SK013",
        "this number is out of range",
        "Whole numbers fit in 64 bits; fractions have at most 18 digits after the point.",
    ),
    Code(
        "SK014",
        "a number of {unit} must be whole and not negative",
        "Windows and distances in time are whole numbers of a unit.",
    ),
    Code(
        "SK015",
        "'within' takes a length of time",
        "Write how long a step may take as a whole number and a unit.",
        hint="write 'within 24 hours'",
    ),
    Code(
        "SK016",
        "'within' counts exact units, not {unit}",
        "Months, quarters and years differ in length; seconds, minutes, hours, days and weeks do not.",
        hint="write 'within {days} days'",
    ),
    # What the JSON form looks like, and trees that a program makes
    Code("SK020", "{detail}", "The text is not JSON, or not UTF-8."),
    Code(
        "SK021",
        "{found} is not expected here, but {expected}",
        "A value in the JSON form, or a field of a tree, is of another kind. Numbers and truth values have no quotes.",
    ),
    Code(
        "SK022",
        "unknown key '{name}'",
        "An object in the JSON form has one tag, and the keys that belong to it.",
    ),
    Code("SK023", "'{name}' is missing", "An object in the JSON form lacks one of its keys."),
    Code(
        "SK024",
        "the key '{name}' is there twice",
        "Most programs would read only one of two values of a key, in silence.",
        hint="remove one of them",
    ),
    Code(
        "SK025",
        "not every reader of JSON keeps this number",
        "Many programs read numbers of JSON as binary fractions: 0.1 and whole numbers beyond 2^53 become others.",
    ),
    Code(
        "SK026",
        "no definition can write the name {name}",
        "A name has at least one character, and neither line breaks nor halves of surrogate pairs.",
    ),
    Code(
        "SK027",
        "no text gives {what}; its text reads as {expected}",
        "A tree that a program makes must be the tree of its own text.",
        hint="expr.parse(text) shows the tree of a text",
    ),
    # What a catalog file says
    Code("SK301", "{detail}", "The file is not TOML, or not UTF-8."),
    Code(
        "SK302",
        "unknown key '{name}' in {place}",
        "A catalog file has a fixed set of keys, so that typing mistakes are found.",
    ),
    Code(
        "SK303",
        "this file names {version} of the language; this release reads version {known}",
        "The file says in which version of the language it is written.",
        hint="language = {known}",
    ),
    # What one target cannot answer
    Code(
        "SK401",
        "one record cannot be compared with all the others",
        "Ranks and values of the population need all customers, and a record is only one.",
        hint="use a database (segmentkit.sqlalchemy) or data frames (segmentkit.pandas)",
    ),
    # What comes from another tool
    Code(
        "SK501",
        "{detail}",
        "The value is not what the other tool writes at this place, or not of the type that the schema declares.",
    ),
    Code(
        "SK502",
        "no definition can say {what}",
        "The other tool can ask for it, and the language cannot. It is refused, because a part of it would mean something else.",
    ),
    Code(
        "SK503",
        "no rule can say {what}",
        "The definition has a part that the other tool cannot ask for. Nothing is handed on, because the rest would mean something else.",
    ),
    Code("SK304", "{place} must be {expected}", "A value in the file has the wrong form."),
    Code("SK305", "{detail}", "The file of a static list cannot be read."),
    Code(
        "SK306",
        "this line is not a key: {key} is {what}",
        "A file of a static list has one key on each line; in a CSV file the first column counts.",
    ),
    Code(
        "SK307",
        "more than {limit:,} {what}",
        "Limits keep a catalog that a stranger wrote from taking all memory or time.",
        hint="if you trust it, load it with limits=segmentkit.Limits({field}=…)",
    ),
)
