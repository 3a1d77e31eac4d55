"""The demo's tables in SQLAlchemy: one description for the file and the frames."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    column,
)

# The answers a household could choose from: kept with the tables, since the database checks them.
DEMOGRAPHICS: Final[dict[str, tuple[str, ...]]] = {
    "age": ("19-24", "25-34", "35-44", "45-54", "55-64", "65+"),
    "income": (
        "Under 15K",
        "15-24K",
        "25-34K",
        "35-49K",
        "50-74K",
        "75-99K",
        "100-124K",
        "125-149K",
        "150-174K",
        "175-199K",
        "200-249K",
        "250K+",
    ),
    "home_ownership": ("Homeowner", "Probable Homeowner", "Probable Renter", "Renter"),
    "marital_status": ("Married", "Unmarried"),
    "household_size": ("1", "2", "3", "4", "5+"),
    "household_comp": ("1 Adult Kids", "1 Adult No Kids", "2 Adults Kids", "2 Adults No Kids"),
    "kids_count": ("0", "1", "2", "3+"),
}

MONEY: Final = Numeric(10, 2)

metadata: Final = MetaData()

households: Final = Table(
    "households",
    metadata,
    Column("household_id", Integer, primary_key=True),
    *(Column(name, Text) for name in DEMOGRAPHICS),
    *(
        CheckConstraint(column(name).in_(values), name=f"{name}_is_known")
        for name, values in DEMOGRAPHICS.items()
    ),
)

products: Final = Table(
    "products",
    metadata,
    Column("product_id", Integer, primary_key=True),
    # Missing where a product was sold but never described.
    Column("manufacturer_id", Integer),
    Column("department", Text),
    Column("brand", Text),
    Column("product_category", Text),
    Column("product_type", Text),
    Column("package_size", Text),
)

campaign_descriptions: Final = Table(
    "campaign_descriptions",
    metadata,
    Column("campaign_id", Integer, primary_key=True),
    Column("campaign_type", Text, nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
)

campaigns: Final = Table(
    "campaigns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("household_id", ForeignKey("households.household_id"), nullable=False),
    Column("campaign_id", ForeignKey("campaign_descriptions.campaign_id"), nullable=False),
    # Repeated from the description: an event carries its own time.
    Column("start_date", Date, nullable=False),
    UniqueConstraint("household_id", "campaign_id"),  # and the household's index
)

coupon_redemptions: Final = Table(
    "coupon_redemptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("household_id", ForeignKey("households.household_id"), nullable=False, index=True),
    Column("coupon_upc", BigInteger, nullable=False),
    Column("campaign_id", ForeignKey("campaign_descriptions.campaign_id"), nullable=False),
    Column("redemption_date", Date, nullable=False),
)

baskets: Final = Table(
    "baskets",
    metadata,
    Column("basket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("household_id", ForeignKey("households.household_id"), nullable=False),
    Column("store_id", Integer, nullable=False),
    Column("transaction_timestamp", DateTime, nullable=False),
    Index("ix_baskets_household_id", "household_id", "transaction_timestamp"),
)

transactions: Final = Table(
    "transactions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("household_id", ForeignKey("households.household_id"), nullable=False),
    Column("store_id", Integer, nullable=False),
    Column("basket_id", ForeignKey("baskets.basket_id"), nullable=False, index=True),
    Column("product_id", ForeignKey("products.product_id"), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("sales_value", MONEY, nullable=False),
    Column("retail_disc", MONEY, nullable=False),
    Column("coupon_disc", MONEY, nullable=False),
    Column("coupon_match_disc", MONEY, nullable=False),
    Column("week", SmallInteger, nullable=False),
    Column("transaction_timestamp", DateTime, nullable=False),
    # The time beside the key answers windows and recency from the index alone. An index on the
    # product was tried and is never worth its 18 MB: products are looked up, not started from.
    Index("ix_transactions_household_id", "household_id", "transaction_timestamp"),
)
