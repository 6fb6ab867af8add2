"""Replaces functions of ministack's modules, and fails at start if a new ministack has them no more."""


def replace(module, name: str):
    """Decorator: the function takes the place of ``module.name`` and gets the original as its first argument."""
    original = getattr(module, name)

    def install(function):
        def replacement(*args, **kwargs):
            return function(original, *args, **kwargs)

        replacement.__name__ = name
        setattr(module, name, replacement)
        return function

    return install


def replace_action(actions: dict, name: str):
    """Decorator: the same for a handler that ministack keeps in a table of actions."""
    original = actions[name]

    def install(function):
        actions[name] = lambda *args, **kwargs: function(original, *args, **kwargs)
        return function

    return install
