"""What scikit-learn and SciPy compute; imported only when something is discovered."""

from __future__ import annotations

import math
import warnings
from typing import Any, TypeAlias

import numpy as np
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

Numbers: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def tree(table: Numbers, target: Numbers, *, depth: int, least: int, seed: int) -> Any:
    """A tree's splits: arrays of features, thresholds and children.

    Args:
        table: What to tell people apart by.
        target: A number of each, or, if whole numbers, the class of each.
        depth: How many splits may follow each other.
        least: How many there must be on each side.
        seed: Decides between splits that are equally good.
    """
    kind = DecisionTreeClassifier if target.dtype.kind == "i" else DecisionTreeRegressor
    found = kind(max_depth=depth, min_samples_leaf=least, random_state=seed)
    return found.fit(table.astype(np.float32), target).tree_


def chance_of_rates(all_: int, hits: int, part: int, part_hits: int) -> float:
    """How likely chance alone parts hits so unevenly: Fisher's exact test."""
    among = stats.hypergeom(all_, hits, part)
    return float(min(1.0, 2 * min(among.cdf(part_hits), among.sf(part_hits - 1))))


def chance_of_means(one: Numbers, other: Numbers) -> float:
    """How likely chance alone parts numbers so unevenly: Student's test of their ranks.

    Ranks, as the few who spend most would seem to be told apart by anything.
    """
    both = stats.rankdata(np.concatenate([one, other]))
    one, other = both[: len(one)], both[len(one) :]
    left = ((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum()
    all_ = ((both - both.mean()) ** 2).sum()
    if not all_ or len(both) < 3:
        return 1.0
    # Without any variation within the parts, chance is still one of so many ways to part them.
    fewest = 1 / math.comb(len(both), min(len(one), 30))
    if not left:
        return fewest
    ratio = math.sqrt((all_ - left) / left * (len(both) - 2))
    return max(fewest, 2 * float(stats.t.sf(ratio, len(both) - 2)))


def grouped(table: Numbers, count: int, *, kind: str, seed: int) -> Numbers:
    """Which of so many clusters each row is in."""
    model: Any
    if kind == "k-means":
        model = KMeans(count, n_init=4, random_state=seed)
    else:
        model = GaussianMixture(count, random_state=seed)
    # One thread, as sums depend on their order.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # that a run ended early shows in the fidelity
        return np.asarray(model.fit_predict(table))


def silhouette(table: Numbers, groups: Numbers) -> float:
    """How much closer rows are to their own cluster than to the next, from -1 to 1."""
    if not 1 < len(np.unique(groups)) < len(table):
        return 0.0
    return float(silhouette_score(table, groups))
