"""What came out, round by round, and how it is condensed."""

import statistics
from collections import defaultdict


class Results:
    """Figures by name; each round adds one or many to a name."""

    def __init__(self) -> None:
        self._rounds: dict[str, list[list[float]]] = defaultdict(list)

    def add(self, name: str, *figures: float) -> None:
        """What one round measured."""
        self._rounds[name].append(list(figures))

    def __contains__(self, name: str) -> bool:
        return name in self._rounds

    def medians(self, name: str) -> list[float]:
        """The median of each round."""
        return [statistics.median(figures) for figures in self._rounds[name]]

    def median(self, name: str) -> float:
        """The median of the medians of the rounds."""
        return statistics.median(self.medians(name))

    def percentile(self, name: str, percent: int) -> float:
        """Over all figures of all rounds together; by the nearest rank."""
        figures = self.figures(name)
        return figures[max(-(-len(figures) * percent // 100) - 1, 0)]

    def figures(self, name: str) -> list[float]:
        """All of all rounds, the least first."""
        return sorted(figure for figures in self._rounds[name] for figure in figures)

    def ratio(self, name: str, limit: str) -> float | None:
        """The median of the ratios of each round, None when one of both was not measured.

        A round has both within a minute or two, so that the machine was equally fast.
        """
        pairs = list(zip(self.medians(name), self.medians(limit), strict=False))
        return statistics.median(figure / of for figure, of in pairs) if pairs else None
