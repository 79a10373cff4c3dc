"""`example:consumer` in Python."""

from wit_world import exports
from wit_world.imports import math


class Demo(exports.Demo):
    def poly(self, x: int, y: int) -> int:
        return math.add(math.multiply(x, x), y)
