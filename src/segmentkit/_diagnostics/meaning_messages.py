"""The messages about what a definition means: mistakes (SK1…) and warnings (SK2…)."""

from __future__ import annotations

from segmentkit._diagnostics.code import Code

TABLE = (
    # What the text means in the schema
    Code(
        "SK101",
        "unknown attribute '{name}'",
        "Neither the entity nor the relation of these brackets has an attribute of this name.",
    ),
    Code(
        "SK102",
        "unknown relation '{name}'",
        "Neither the entity nor the row of these brackets has a relation of this name.",
    ),
    Code(
        "SK103",
        "unknown function '{name}'",
        "Neither the language nor the schema has a function or an aggregate of this name.",
    ),
    Code(
        "SK104",
        "cannot compare {left} with {right}",
        "There is no silent conversion between types.",
    ),
    Code(
        "SK105",
        "{family} has no order",
        "Only numbers, dates and timestamps are ordered; text is compared for equality.",
        hint="use = or in, or for text: contains, starts with, ends with",
    ),
    Code(
        "SK106",
        "'{value}' is not a value of {name}",
        "The schema lists the values that this attribute can have.",
    ),
    Code(
        "SK107",
        "arithmetic needs numbers, and this is {what}",
        "+ - * / work on numbers only.",
    ),
    Code(
        "SK108",
        "this is {what}, not a condition",
        "and, or, not and where join conditions.",
    ),
    Code(
        "SK109",
        "a condition cannot be used as a value here",
        "Comparisons and functions take values.",
    ),
    Code(
        "SK110",
        "{what} has no time, so no window applies",
        "Windows select by time, so they need a date, a timestamp, or a relation that declares a time.",
        hint="windows are for dates, timestamps, and relations that have a time",
    ),
    Code("SK111", "{name} takes {expected}, not {given}", "The number of arguments is wrong."),
    Code(
        "SK112",
        "{name} takes {expected}, not {what}",
        "An argument has the wrong type.",
    ),
    Code(
        "SK113",
        "an aggregate cannot stand here",
        "Before `where`, an aggregate takes a value of one row. Aggregates are values of many rows, and segments contain customers, not rows.",
        hint="aggregates inside aggregates stand after 'where'",
    ),
    Code(
        "SK114",
        "'{name}' is a relation; compare a count of it",
        "A relation leads to many rows; a condition needs one value.",
        hint="write count({name})",
    ),
    Code(
        "SK115",
        "'{name}' belongs to the relation '{relation}'",
        "An attribute of a relation has many values; an aggregate makes one value of them.",
        hint="say which: any({relation} where …), sum({name}), last({name})",
    ),
    Code(
        "SK116",
        "{name} needs rows of one relation",
        "An aggregate is taken over the rows of one relation, or of one path of relations.",
        hint="write {example}",
    ),
    Code("SK117", "unknown segment '{name}'", "There is no segment of this name."),
    Code(
        "SK118",
        "segment '{name}' refers to itself: {path}",
        "References between segments must not form a circle.",
    ),
    Code("SK119", "unknown parameter ':{name}'", "The definition has no parameter of this name."),
    Code(
        "SK120",
        "':{name}' is used as {first} and as {second}",
        "A parameter has one type, which follows from its use.",
    ),
    Code(
        "SK121",
        "':{name}' takes {expected}; {value} is {what}",
        "The value bound to a parameter has the wrong type.",
    ),
    Code(
        "SK122", "a date has no {unit}", "Windows over dates are counted in days or longer units."
    ),
    Code(
        "SK123",
        "'{text}' must be written out",
        "Lists and patterns take constants or parameters, not attributes.",
    ),
    Code("SK124", "'{name}' is for text, not for {what}", "A text test needs text."),
    Code(
        "SK125",
        "the type of ':{name}' does not follow from its use",
        "A parameter has the type of the value that you compare it with.",
    ),
    Code(
        "SK126",
        "'where', windows and steps belong to aggregates",
        "Only aggregates, such as count and sum, select rows.",
    ),
    Code(
        "SK127",
        "the definition expands to more than {limit:,} parts",
        "With the segments that it refers to written out, a definition has at most this many parts.",
    ),
    Code(
        "SK128",
        "'{name}' is a link; name an attribute of it",
        "A link leads to another entity; a condition needs one of its values.",
    ),
    Code(
        "SK129",
        "'{name}' is an attribute, and has no parts",
        "Only links and relations lead further.",
    ),
    Code(
        "SK130",
        "'{name}' has no time, so nothing comes before or after its rows",
        "Sequences need events: relations that declare a time.",
        hint="sequences need relations that have a time; declare which attribute it is",
    ),
    Code(
        "SK131",
        "'{first}' has a {first_type} and '{second}' a {second_type}, so their order is not known",
        "A day and an instant within it have no order.",
        hint="sequences need two dates or two timestamps",
    ),
    Code(
        "SK132",
        "a sequence cannot begin at '{name}'",
        "A sequence looks at the events of one owner; a path of relations has many owners.",
        hint="put one aggregate inside the other: any(orders where any(parcels followed by …))",
    ),
    Code(
        "SK133",
        "the row '{name}' cannot be named here",
        "A name that `as` gives to a row is seen in the brackets of that row's own rows, and in the step that follows it.",
    ),
    Code(
        "SK134",
        "a row cannot be called '{name}': that is {what}",
        "Names that begin so would have two meanings.",
    ),
    Code(
        "SK135",
        "a step can ask only that a value of its own row equals one of '{name}'",
        "What a step asks of the row that it follows are equalities of two values, joined by `and`: by these, rows are looked up.",
        hint="only equalities, joined by 'and', can be asked of the row that a step follows",
    ),
    # What names refer to
    Code(
        "SK140",
        "a trait is a value, and this is {what}",
        "A trait is a number, a text, a time or a stored boolean. For a condition, define a segment.",
    ),
    Code(
        "SK141",
        "trait '{name}' has the name of {what} of {entity}",
        "A name in a definition has one meaning, so a trait cannot have the name of an attribute, a link or a relation.",
        hint="give the trait another name",
    ),
    Code(
        "SK142",
        "trait '{name}' refers to itself: {path}",
        "References between traits must not form a circle.",
    ),
    Code("SK143", "unknown list '{name}'", "There is no static list of this name."),
    Code(
        "SK144",
        "list '{name}' holds {held}, and {key} is {what}",
        "A static list contains integers or texts, like the keys or the attribute that it is asked about.",
    ),
    Code(
        "SK145",
        "the key of '{entity}' is not declared as {expected}",
        "A static list contains keys, so the schema must declare their type.",
        hint="declare the column '{key}' as an attribute of '{entity}'",
    ),
    Code("SK146", "unknown channel '{name}'", "The schema declares no channel of this name."),
    Code(
        "SK147",
        "two parts are called '{name}'",
        "The parts of a partition, including the rest, must have different names.",
        hint="rename one of them",
    ),
    Code(
        "SK148",
        "no definition can write the name {name}",
        "A name has at least one character, and neither line breaks nor halves of surrogate pairs.",
        hint="give the trait another name",
    ),
    # The population and places
    Code(
        "SK150",
        "'{name}' is a place, not a value",
        "You can only measure distances between places.",
        hint="measure how far it is from another: distance({name}, …) < 25 km",
    ),
    Code(
        "SK151",
        "a {name} lies between -{most} and {most}, and this is {text}",
        "A point is on the globe, in degrees: first the latitude, then the longitude.",
        hint="write point(latitude, longitude)",
    ),
    Code(
        "SK152",
        "{text} is not a share of customers",
        "A percentage is a number from 0 to 100, with at most six digits after the point.",
        hint="write a percentage from 0 to 100",
    ),
    Code(
        "SK153",
        "'among' belongs to one value of all customers",
        "Some aggregates work over the population: they take one value of each customer.",
        hint="write avg, count, max, median, min or sum: avg(age among everyone)",
    ),
    Code(
        "SK154",
        "the number of tiles must be a whole number from 1 to {most:,}, and this is {text}",
        "ntile divides customers into tiles; their number must be written out.",
        hint="ntile(5, sum(orders.amount)) = 5",
    ),
    Code(
        "SK155",
        "sample takes a percentage and a text",
        "The text, called the salt, makes samples of one size independent of each other.",
        hint='write sample(10%, "spring holdout")',
    ),
    Code(
        "SK156",
        "the schema has no key of {entity} to draw a sample by",
        "A sample is drawn by the key, which must be an attribute: a whole number or a text.",
        hint="declare '{key}' as an attribute, an integer or a text",
    ),
    Code(
        "SK157",
        "a percentage cannot stand here",
        "Percentages are for ranks and samples; other shares are numbers.",
        hint='write top 10% by …, sample(10%, "…"), or a number such as 0.1',
    ),
    Code(
        "SK158",
        "the number must be from 1 to {size}, and this is {count}",
        "You can count from one to all of the conditions in the brackets.",
        hint="write a number from 1 to {size}, the number of conditions in the brackets",
    ),
    Code(
        "SK159",
        "':{name}' takes {expected}, and {value} is not one",
        "A parameter that stands for a number of units, customers or conditions takes whole numbers with bounds, and one for a percentage takes 0 to 100.",
    ),
    Code(
        "SK160",
        "'{name}' is a JSON object, not a value",
        "You can use the values in a document that the schema declares.",
    ),
    Code(
        "SK161",
        "'{name}' is a list of texts, and one value is needed here",
        "You can test which texts a list contains, and whether the list is missing.",
        hint='test what it contains: {name} contains "…"',
    ),
    # Times and lengths of time
    Code(
        "SK180",
        "{what} cannot be {how} {other}",
        "Times, lengths of time and numbers do not go together in this way.",
    ),
    Code(
        "SK181",
        "{unit} differ in length",
        "Months, quarters and years are steps in a calendar: only dates move by them, and nothing "
        "is measured in them.",
    ),
    Code(
        "SK182",
        "'{text}' may be a part of a microsecond",
        "A time moves by whole lengths, and a division gives none.",
        "write the length in a smaller unit, without a division",
    ),
    Code(
        "SK183",
        "'{text}' is longer than the calendar",
        "A length of time is at most 10,000 years.",
        "leave the test out: no two times are so far apart",
    ),
    Code(
        "SK184",
        "'{text}' can only be compared",
        "An instant that moves by what the data says is compared with other times, or taken from "
        "them; functions, aggregates, ranks and traits cannot use it.",
        "compare it with a time, or use the length of time alone",
    ),
    # Patterns
    Code(
        "SK190",
        "a pattern cannot have {found}",
        "A pattern is compared with the whole text, and made of the part of regular expressions "
        "that all engines read alike.",
    ),
    Code(
        "SK191",
        "the pattern can go over one text in too many ways",
        "Some engines would try them one after the other, which can take longer than anybody "
        "waits, or give up.",
        "repeat only what tells where it ends: (a+,)*, and not (a+)* or (a|aa)*",
    ),
    Code(
        "SK195",
        "a percentile is a number from 0 to 100, and this is {text}",
        "The first argument says how many percent of the values are not larger, with at most six digits after the point. It is written out, or a parameter.",
        hint="write a number from 0 to 100, as in percentile(90, orders.amount)",
    ),
    Code(
        "SK196",
        "'{text}' is no day, week, month, quarter or year of a time",
        "A streak is of parts of the calendar that come one after the other.",
        hint="write the part that you count, and in its brackets a time of the rows: streak(day(…)), or week(…), month(…), quarter(…), year(…)",
    ),
    # Versions
    Code(
        "SK192",
        "'{text}' is not a version",
        "A version is one to four numbers with dots between them, then perhaps a pre-release, and "
        "a build mark.",
        'write it as "1.10", "1.10.0", "1.10.0-rc.1" or "1.10.0+build.7"',
    ),
    Code(
        "SK193",
        "'{text}' can only be compared",
        "A version has an order, and is no value that functions, aggregates, ranks or traits use.",
        'compare it with another, as in version(app) >= version("1.10"); of rows, in the where of any(…)',
    ),
    # Stays in segments
    Code(
        "SK194",
        "it is not known who was in a segment when: {why}",
        "A store keeps who was in which segment since when, and when it was run; the schema declares both.",
        "keep stays in a store, and use the schema of store.remember(schema)",
    ),
    # What a schema adds
    Code(
        "SK162",
        "'is empty' is for lists, not for {what}",
        'A list without texts is empty, and not missing. A text can be "", and another value can be missing.',
    ),
    Code(
        "SK170",
        "{name}() has no lowering for {target}",
        "A function that a schema adds has a lowering for each target that computes it. Other targets refuse the function.",
        hint="give it one: {kind}('{name}', …, {target}=…)",
    ),
    # What stands, and may surprise
    Code(
        "SK201",
        "includes {entity} whose '{operand}' is missing",
        "A negative form is the complement of its positive form, so it includes everyone whose value is missing.",
        hint="add `and {operand} is present` to leave them out",
    ),
    Code(
        "SK202",
        "compares an instant with the first instant of that day",
        "A date stands for its first instant when it is compared with a timestamp: `=` is true at midnight only, `<=` leaves out the rest of that day, and `>` takes it in.",
        hint="write '{meant}' for the whole day",
    ),
    Code(
        "SK203",
        "nothing is in the range of '{text}'",
        "The range ends before it begins, or as it begins.",
        hint="write '{meant}'",
    ),
    Code(
        "SK204",
        "tests only constants, and is always {verdict}",
        "Nothing in the test differs from customer to customer.",
    ),
    Code(
        "SK205",
        "compares '{operand}' with itself",
        "Both sides are the same value, so the test says at most whether it is present.",
    ),
    Code(
        "SK206",
        "'{moment}' is a single instant, which few times are",
        "Equality of instants is exact, to the microsecond.",
        hint="write '{days}' for the whole day",
    ),
    Code(
        "SK207",
        "'{text}' is {verdict}: the schema says that '{name}' is {bounds}",
        "The schema gives the least and the greatest value of an attribute.",
    ),
    Code(
        "SK208",
        "this text has a sign that cannot be seen: {sign}",
        "Texts are compared code point by code point: a text with such a sign equals nothing that looks the same.",
    ),
    Code(
        "SK209",
        "this text begins or ends with a space",
        "Texts are compared exactly, with their spaces.",
    ),
    Code(
        "SK210",
        "this text has letters of several alphabets: {sign}",
        "A Cyrillic or Greek letter can look like a Latin one, and is another: the text equals nothing that looks the same.",
    ),
    Code(
        "SK211",
        "{text} is less than one percent",
        "A percentile counts from 0 to 100.",
    ),
    Code(
        "SK212",
        "'{text}' is the number {number}",
        "A minus between two numbers subtracts them; a range is written with `between`.",
    ),
)
