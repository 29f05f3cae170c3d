#!/usr/bin/env python3
"""scikit-learn's linear classifiers on small data, for the tests of crates/model/src/linear.

    python3 -m venv venv
    venv/bin/pip install scikit-learn
    venv/bin/python scripts/linear_fixtures.py

Writes crates/model/tests/fixtures/linear.json: clips of unlike many of each label, and
for every method and strength the scores that scikit-learn gives them, found with a
tolerance far below the tests'. Labels are balanced by sample weights: the mean
number of clips of a label divided by that of the clip's label. The tests compare
scores, less what all labels have in common where only that counts, to within 2e-5 of
the largest (the solutions agree to 1e-6; the crate's weights have 32 bits).
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

FILE = Path(__file__).parents[1] / "crates/model/tests/fixtures/linear.json"
COUNTS = [30, 12, 20, 18]
SIZE = 6


def clips(counts, seed):
    """Numbers that 32 bits hold exactly, near 0 and about 1 apart."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    centres = rng.normal(size=(len(counts), SIZE)) * 0.7
    x = centres[y] + rng.normal(size=(len(y), SIZE)) * np.linspace(0.5, 1.5, SIZE)
    return np.round(x * 256) / 256, y


def lda(x, y, shrinkage, balanced):
    """LDA with equal priors weighs the labels' covariances alike, too."""
    labels = y.max() + 1
    priors = np.full(labels, 1 / labels) if balanced else None
    return LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage, priors=priors).fit(x, y)


def logistic(x, y, cost, weights):
    # Of two labels scikit-learn fits one vector, which is twice the cost.
    cost *= 2 if y.max() == 1 else 1
    model = LogisticRegression(C=cost, tol=1e-12, max_iter=1_000_000, solver="newton-cg")
    return model.fit(x, y, sample_weight=weights)


def svm(x, y, cost, loss, weights):
    model = LinearSVC(C=cost, loss=loss, dual=True, tol=1e-10, max_iter=10_000_000, random_state=0)
    return model.fit(x, y, sample_weight=weights)


def cases(x, y):
    counts = np.bincount(y)
    for balanced in (True, False):
        weights = (counts.mean() / counts)[y] if balanced else np.ones(len(y))
        for shrinkage in (0.05, 0.5, 1.0):
            yield {"lda": {"shrinkage": shrinkage}}, balanced, lda(x, y, shrinkage, balanced)
        for cost in (0.001, 0.1, 10.0):
            yield {"logistic": {"cost": cost}}, balanced, logistic(x, y, cost, weights)
            for loss in ("hinge", "squared_hinge"):
                method = {"svm": {"cost": cost, "loss": loss}}
                yield method, balanced, svm(x, y, cost, loss, weights)


def main():
    sets = []
    for counts, seed in ((COUNTS, 1), ([25, 15], 2)):
        x, y = clips(counts, seed)
        found = [
            {
                "method": method,
                "balanced": balanced,
                "scores": model.decision_function(x).reshape(len(x), -1).round(7).tolist(),
            }
            for method, balanced, model in cases(x, y)
        ]
        sets.append({"rows": x.tolist(), "labels": y.tolist(), "cases": found})
    text = json.dumps({"made_by": f"scikit-learn {sklearn.__version__}", "sets": sets})
    FILE.write_text(text + "\n")


if __name__ == "__main__":
    main()
