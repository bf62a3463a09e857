"""Mean waits of simple queues in closed form, against which the simulation's stations are tested. Pure."""

from __future__ import annotations

from lims.errors import InvalidInput


def calculate_mm1_wait(arrival_rate: float, service_rate: float) -> float:
    """Return the mean wait before service at one server with random arrivals and exponential service (M/M/1).

    Wq = ρ / (μ − λ), ρ = λ/μ: Kleinrock 1975, Queueing Systems I, section 3.2.

    Args:
        arrival_rate: arrivals in a unit of time, λ.
        service_rate: what one server does in a unit of time, μ.

    Returns:
        The wait in the same unit of time.

    Raises:
        InvalidInput: a rate is not above 0, or as much arrives as is served, so that the queue has no end.
    """
    return calculate_mmc_wait(arrival_rate, service_rate, servers=1)


def calculate_mmc_wait(arrival_rate: float, service_rate: float, *, servers: int) -> float:
    """Return the mean wait before service at several equal servers with one queue (M/M/c).

    Wq = C(c, a) / (cμ − λ) with the load a = λ/μ and Erlang's probability of waiting C, Erlang 1917; Kleinrock 1975,
    Queueing Systems I, section 3.5.

    Args:
        arrival_rate: arrivals in a unit of time, λ.
        service_rate: what one server does in a unit of time, μ.
        servers: how many, c.

    Raises:
        InvalidInput: names the field.
    """
    _check(arrival_rate, service_rate, servers)
    return calculate_erlang_c(arrival_rate / service_rate, servers=servers) / (
        servers * service_rate - arrival_rate
    )


def calculate_erlang_c(load: float, *, servers: int) -> float:
    """Return the probability that an arrival finds all servers busy and waits.

    By the recursion of the loss formula, B(k) = aB(k−1) / (k + aB(k−1)), and C = B / (1 − ρ(1 − B)): no factorial
    grows beyond a double. Source: Cooper 1981, Introduction to Queueing Theory, section 3.3.

    Args:
        load: arrival rate ÷ service rate of one server; below the number of servers.
        servers: how many.

    Raises:
        InvalidInput: names the field.
    """
    _check(load, 1.0, servers)
    lost = 1.0
    for busy in range(1, servers + 1):
        lost = load * lost / (busy + load * lost)
    return lost / (1 - load / servers * (1 - lost))


def calculate_md1_wait(arrival_rate: float, service_rate: float) -> float:
    """Return the mean wait before service at one server that takes equally long for each (M/D/1).

    Wq = ρ / (2μ(1 − ρ)), half of that of M/M/1: Pollaczek 1930 and Khinchin 1932, for service without variance.

    Args:
        arrival_rate: arrivals in a unit of time, λ.
        service_rate: what the server does in a unit of time, μ.

    Raises:
        InvalidInput: names the field.
    """
    _check(arrival_rate, service_rate, 1)
    used = arrival_rate / service_rate
    return used / (2 * service_rate * (1 - used))


def _check(arrival_rate: float, service_rate: float, servers: int) -> None:
    if servers < 1:
        raise InvalidInput("A station needs at least one server.", field="servers")
    if not arrival_rate > 0:
        raise InvalidInput("The arrival rate must be above 0.", field="arrival_rate")
    if not service_rate > 0:
        raise InvalidInput(
            "The service rate must be above 0: with no capacity nothing is ever served.", field="service_rate"
        )
    if arrival_rate >= servers * service_rate:
        raise InvalidInput(
            "As much arrives as can be served, or more: the queue grows without end and has no mean wait.",
            field="arrival_rate",
        )
