"""Words, numbers and dates as people write them in their own language, or by a slip of the hand."""

from __future__ import annotations

import re
from datetime import date, datetime

AND, OR, NOT = (
    frozenset(words.split())
    for words in (
        "und et y e и і й та oraz i en og och ve és kaj adn nad ad anf amd andd plus also sowie "
        "також także",
        "oder ou o или або чи lub albo of eller veya vagy ro orr",
        "nicht kein keine pas non не ні нет немає no nie ikke inte niet nao não bez ont nto",
    )
)
"""Words for ``and``, ``or`` and ``not``."""

_TESTS = {
    "between": "між между między pomiędzy zwischen entre tussen mellem mellan betwen beetween "
    "bewteen betwean btw",
    "in": "в у w dans i em",
    "contains": "містить содержит zawiera enthält enthaelt contient contiene contém bevat "
    "indeholder innehåller contians containts conatins",
    "=": "дорівнює равно równa równe równy gleich égal igual",
    ">": "більше больше після после po",
    "<": "менше меньше до przed",
}
TESTS = {word: test for test, words in _TESTS.items() for word in words.split()}
"""Words for tests, and slips of the hand."""

COMPARISONS = {
    ">=": r"mindestens|wenigstens|щонайменше|принаймні|не\s+менше|не\s+менее|przynajmniej|"
    r"co\s+najmniej|nie\s+mniej|au\s+moins|al\s+menos|almeno|minstens|mindst|minst|"
    r"(?:größer|groesser)\s+(?:oder|/)\s*gleich|"
    r"(?:більше|większ[aey])\s+(?:або|чи|lub|albo)\s+(?:дорівнює|рівн\w+|równ[aey])",
    "<=": r"höchstens|hoechstens|щонайбільше|не\s+більше|не\s+более|co\s+najwyżej|"
    r"nie\s+więcej|au\s+plus|como\s+máximo|al\s+massimo|hoogstens|højst|högst|"
    r"kleiner\s+(?:oder|/)\s*gleich|"
    r"(?:менше|mniejsz[aey])\s+(?:або|чи|lub|albo)\s+(?:дорівнює|рівн\w+|równ[aey])",
    ">": r"größer|groesser|mehr|über|більше|більш|старше|понад|больше|более|większ[aey]|"
    r"więcej|powyżej|ponad|mayor|más|plus\s+grand|supérieur|plus|maggiore|più|groter|meer|"
    r"større|mere|större|mer",
    "<": r"kleiner|weniger|unter|менше|молодше|меньше|менее|mniejsz[aey]|mniej|poniżej|menor|"
    r"menos|plus\s+petit|inférieur|moins|minore|meno|minder|mindre|færre",
}
"""Comparisons in words, as regular expressions."""
THAN = r"(?:als|ніж|за|чем|niż|od|que|à|a|de|di|dan|end|än)"

_TRUTHS = {
    "true": "так да tak ja oui sí si sim wahr vrai verdadero prawda істина истина правда waar sand",
    "false": "ні нет nie nein non nee não falsch faux falso fałsz хибність ложь onwaar falsk",
}
TRUTHS = {word: truth for truth, words in _TRUTHS.items() for word in words.split()}

_UNITS = {
    "day": "день дня дні днів дней дни dzień dni dniach dniu tag tage tagen jour jours día días "
    "dia dias dag dage dagar dagen giorni dyas dasy dya",
    "week": "тиждень тижні тижня тижнів неделя недели недель неделю tydzień tygodni tygodnie "
    "tygodniu tygodniach woche wochen semaine semaines semana semanas uge uger vecka "
    "veckor weken wk wks weks",
    "month": "місяць місяці місяця місяців месяц месяца месяцев miesiąc miesiące miesięcy miesiącu "
    "miesiącach monat monate monaten mois mes meses måned måneder månad månader maand "
    "maanden mnths mth mths",
    "year": "рік роки року років год года лет році rok lata lat latach roku jahr jahre jahren an "
    "ans année années año años ano anos år jaar yrs yr",
    "hour": "година години годин час часа часов godzina godziny godzin godzinach stunde stunden "
    "heure heures hora horas time timer uur hr hrs",
    "minute": "хвилина хвилини хвилин минута минуты минут minuta minuty minut minuten minuto "
    "minutos mins",
    "quarter": "квартал квартали кварталів квартала кварталов kwartał kwartały quartal quartale "
    "trimestre trimestres qtr qtrs",
    "second": "секунда секунди секунд секунды sekunda sekundy sekund sekunde sekunden seconde "
    "secondes segundos secs",
}
UNITS = {word: unit for unit, words in _UNITS.items() for word in words.split()}
"""Words for units, in the singular of this language."""

LAST = frozenset(
    (
        *("останні", "останніх", "последние", "последних", "ostatnie", "ostatnich", "letzten"),
        *("letzte", "derniers", "dernières", "últimos", "últimas", "sidste", "senaste"),
        *("laatste", "past", "lats", "lsat", "latest", "recent"),
    )
)
AGO = frozenset(["тому", "назад", "temu", "siden", "sedan", "geleden"])

FUNCTIONS = {
    "years": "age",
    **dict.fromkeys(("summe", "somme", "suma", "сума", "сумма", "sumif", "sume"), "sum"),
    **dict.fromkeys(
        ("anzahl", "nb", "кількість", "количество", "liczba", "cuenta", "cnt"), "count"
    ),
    **dict.fromkeys(("mittelwert", "moyenne", "średnia", "среднее", "середнє", "promedio"), "avg"),
}
"""Functions of spreadsheets in other languages."""

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty"""
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80}
NUMBERS = {
    **{word: number for number, word in enumerate(_SMALL.split())},
    **_TENS,
    **{"ninety": 90, "hundred": 100, "once": 1, "twice": 2, "thrice": 3, "dozen": 12},
}

CURRENCIES = (
    r"(?:uah|usd|eur|gbp|pln|dkk|nok|sek|chf|czk|jpy|cad|aud|inr|brl|kr|zł|zl|грн|руб|dollars?|"
    r"euros?|pounds?|bucks|hryvnias?|гривень|гривні|units?|pcs|pts|kroner|items?|points?|times|x)"
)
"""What stands behind an amount, and says nothing that the column does not say."""

# -- dates ----------------------------------------------------------------------------------------

_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "jan january januar stycznia січня января janvier enero",
            "feb february februar lutego лютого февраля février febrero",
            "mar march märz marca березня марта mars marzo",
            "apr april kwietnia квітня апреля avril abril",
            "may mai maja травня мая mayo",
            "jun june juni czerwca червня июня juin junio",
            "jul july juli lipca липня июля juillet julio",
            "aug august sierpnia серпня августа août agosto",
            "sep sept september września вересня сентября septembre septiembre",
            "oct october oktober października жовтня октября octobre octubre",
            "nov november listopada листопада ноября novembre noviembre",
            "dec december dezember grudnia грудня декабря décembre diciembre",
        ),
        1,
    )
    for name in names.split()
}
MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_ORDERS = (
    r"(?P<y>\d{4})[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)",
    r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
    r"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4})",
    r"(?P<d>\d\d?)([/-])(?P<m>\d\d?)\2(?P<y>\d{4})",
    r"(?P<m>\d\d?)([/-])(?P<d>\d\d?)\2(?P<y>\d{4})",
    rf"(?P<d>\d\d?)(?:st|nd|rd|th|\.)?[ -](?P<m>{MONTH})[ ,-]*(?P<y>\d{{4}})",
    rf"(?P<m>{MONTH})[ -](?P<d>\d\d?)(?:st|nd|rd|th)?[ ,-]+(?P<y>\d{{4}})",
)
_CLOCK = re.compile(
    r"[ T,]+(?P<clock>\d\d?:\d\d(?::\d\d(?:\.\d{1,6})?)?)(?P<zone>Z|[+-]\d\d:\d\d)?"
)


def dates_of(text: str) -> list[date]:
    """The days that a text can mean: none, one, or two where day and month may be changed."""
    found: dict[date, None] = {}
    text = re.sub("[–—−‐]", "-", text.strip())
    for order in _ORDERS:
        if match := re.fullmatch(order, text, re.IGNORECASE):
            month = match["m"].rstrip(".").lower()
            try:
                day = date(int(match["y"]), int(_MONTHS.get(month, month)), int(match["d"]))
            except ValueError:
                continue
            found[day] = None
    return list(found)


def instant_of(text: str) -> date | datetime | None:
    """The one day or instant that a text means; None if there are none, or two."""
    clock = None
    for each in _CLOCK.finditer(text):
        if each.end() == len(text.rstrip()):
            text, clock = text[: each.start()], each
    days = dates_of(text)
    if len(days) != 1:
        return None
    if clock is None:
        return days[0]
    time = clock["clock"]
    time = time if time.index(":") == 2 else f"0{time}"
    try:
        return datetime.fromisoformat(f"{days[0]}T{time}{clock['zone'] or ''}")
    except ValueError:
        return None


def month_of(word: str) -> int | None:
    """The month that a word names."""
    return _MONTHS.get(word.rstrip(".").lower())


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def number_of_day_or_month(function: str, word: str) -> int | None:
    """What ``weekday`` or ``month`` gives for a day or a month by its name."""
    if function == "month":
        return month_of(word)
    names = [day for day in _DAYS if len(word) > 2 and day.startswith(word.rstrip(".").lower())]
    return _DAYS.index(names[0]) + 1 if len(names) == 1 else None
