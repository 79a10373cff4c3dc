"""`example:calculator` in Python."""

from wit_world import exports


class Math(exports.Math):
    def add(self, a: int, b: int) -> int:
        return wrap(a + b)

    def multiply(self, a: int, b: int) -> int:
        return wrap(a * b)


def wrap(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31
