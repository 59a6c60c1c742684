from dataclasses import *


@dataclass(order=True)
class P:
    x: int
    y: list = field(default_factory=list)


assert asdict(P(1)) == {"x": 1, "y": []}
