"""How many households each of the demo's segments has, found by the hand-written computation."""

from datetime import UTC, datetime

# The end of 2017 in UTC, which the demo asks about; the same in New York, where 534 more rows
# and a new month have come; and midnight in New York in the middle of the year.
END_UTC = datetime(2018, 1, 1, tzinfo=UTC)
END_NEW_YORK = datetime(2018, 1, 1, 5, tzinfo=UTC)
SUMMER = datetime(2017, 7, 1, 4, tzinfo=UTC)

INSTANTS = (END_UTC, END_NEW_YORK, SUMMER)

EVERYONE = 2469

SIZES: dict[str, tuple[int, int, int]] = {
    "regulars": (528, 529, 524),
    "big_spenders": (338, 338, 330),
    "full_trolleys": (378, 379, 385),
    "fine_palates": (328, 329, 271),
    "big_tickets": (104, 119, 58),
    "lapsed": (292, 289, 252),
    "slipping": (231, 233, 222),
    "newcomers": (189, 189, 113),
    "one_month_wonders": (456, 454, 403),
    "movers": (903, 906, 809),
    "families": (288, 288, 288),
    "young_non_owners": (100, 100, 100),
    "not_known_married": (2129, 2129, 2129),
    "known_unmarried": (324, 324, 324),
    "strangers": (160, 161, 43),
    "explorers": (564, 564, 543),
    "fresh_cooks": (528, 529, 536),
    "new_parents": (218, 218, 220),
    "pizza_nights": (140, 141, 135),
    "own_brand": (439, 438, 401),
    "bargain_hunters": (442, 441, 526),
    "coupon_clippers": (150, 149, 30),
    "unmoved": (509, 509, 88),
    "in_campaign": (558, 558, 286),
    "type_a_redeemers": (213, 210, 158),
    "answered": (282, 282, 128),
    "left_unanswered": (1214, 1214, 605),
    "big_shops": (309, 309, 273),
    "steak_nights": (212, 211, 249),
    "best_tenth": (247, 247, 247),
    "above_average": (879, 879, 883),
    "win_back": (480, 480, 447),
    "family_favourites": (223, 224, 206),
}
