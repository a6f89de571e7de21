from .later import nothing_logged


def logged_lane(request, logged):
    return nothing_logged()
