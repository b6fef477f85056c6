"""The sentences on each kind of bug.

A kind has a weight for the draw, sentences that name the cause, and what a user notices. ``{right}`` and ``{wrong}`` are
the part of the program as it should be and as it is.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """The weight and the sentences of a kind of bug."""

    weight: float
    causes: tuple[str, ...]
    notices: tuple[str, ...] = ()


KINDS = {
    "range_short": Kind(
        5,
        (
            "The loop stops one step early; it needs `{right}`.",
            "`{wrong}` leaves out the last step.",
            "The range ends too soon, so the last step is missing.",
        ),
        ("the last one is left out", "it stops one too early", "the last element is skipped", "one is missing at the end"),
    ),
    "range_long": Kind(
        3,
        (
            "The loop runs one step too far; it needs `{right}`.",
            "`{wrong}` goes one step too far.",
            "The range ends one step too late.",
        ),
        ("it goes one step too far", "there is one too many at the end", "it runs past the end"),
    ),
    "range_late": Kind(
        3,
        (
            "The loop starts one step late; it needs `{right}`.",
            "`{wrong}` skips the first step.",
            "The range starts too late, so the first step is missing.",
        ),
        ("the first one is left out", "it skips the first element", "the beginning is missing"),
    ),
    "range_early": Kind(
        2,
        ("The loop starts one step early; it needs `{right}`.", "`{wrong}` starts one step too early."),
        ("it starts too early", "there is one too many at the start"),
    ),
    "step": Kind(2, ("The step of the range must be 2, as in `{right}`.",), ("it takes every element",)),
    "slice_start": Kind(
        4,
        ("The slice starts at the wrong place; it must be `{right}`.", "`{wrong}` starts at the wrong element."),
        ("the start of it is wrong", "the cut is off by one at the front"),
    ),
    "slice_end": Kind(
        4,
        ("The slice ends at the wrong place; it must be `{right}`.", "`{wrong}` ends at the wrong element."),
        ("the end of it is wrong", "the cut is off by one at the end"),
    ),
    "slice_side": Kind(
        3,
        ("`{wrong}` takes the wrong part; it must be `{right}`.", "The slice takes the wrong side: `{right}` is meant."),
        ("I get the wrong part", "it returns the other part"),
    ),
    "slice_step": Kind(2, ("The slice does not reverse; it must be `{right}`.",), ("it is not reversed",)),
    "index": Kind(
        5,
        ("`{wrong}` is the wrong element; it must be `{right}`.", "The index is off; `{right}` is meant."),
        ("it picks the wrong element", "the index seems off", "it looks at the wrong place"),
    ),
    "wrap": Kind(1, ("The index does not wrap around; it must be `{right}`.",), ("it does not wrap around at the end",)),
    "boundary": Kind(
        7,
        (
            "The comparison treats the limit itself wrongly; it must be `{right}`.",
            "`{wrong}` is wrong at the boundary; `{right}` is right.",
            "The boundary value is on the wrong side in `{wrong}`.",
        ),
        ("the limit itself is handled wrongly", "it is wrong exactly at the boundary", "edge values come out wrong"),
    ),
    "direction": Kind(
        5,
        (
            "The comparison points the wrong way; it must be `{right}`.",
            "`{wrong}` is the wrong way round.",
            "It compares in the wrong direction; `{right}` is right.",
        ),
        ("it is the wrong way round", "it does the opposite", "big and small are mixed up"),
    ),
    "negated": Kind(
        5,
        ("The condition is the opposite of what it should be; it must be `{right}`.", "`{wrong}` is inverted."),
        ("it does exactly the opposite", "the condition seems inverted", "it picks the others"),
    ),
    "single_equals": Kind(
        2, ("`=` assigns; the comparison needs `==`.", "A condition needs `==`, not `=`."), ("Python does not accept the if line",)
    ),
    "identity": Kind(
        1, ("`is` asks for the same object; equal values need `==`.",), ("equal values do not count as equal",)
    ),
    "operator": Kind(
        7,
        (
            "The operator is wrong; it must be `{right}`.",
            "`{wrong}` should be `{right}`.",
            "It calculates `{wrong}` instead of `{right}`.",
        ),
        ("the sum is wrong", "the numbers are off", "the result is far off", "the maths is wrong"),
    ),
    "whole_division": Kind(
        3,
        ("`//` drops the fraction; it must be `{right}`.", "Integer division cuts off the decimals; `/` is needed."),
        ("the decimals are lost", "I only get whole numbers"),
    ),
    "true_division": Kind(
        3,
        ("`/` gives a float; `{right}` keeps a whole number.", "It needs the integer division `//`."),
        ("I get a float", "it should be a whole number"),
    ),
    "remainder": Kind(
        1, ("`%` gives the remainder; it must be `{right}`.", "It takes the remainder instead of the quotient."), ()
    ),
    "quotient": Kind(
        2,
        ("The remainder is needed; it must be `{right}`.", "`{wrong}` gives the quotient, not the remainder."),
        ("the remainder is not what I get",),
    ),
    "xor": Kind(2, ("`^` is XOR in Python; a power is `**`.",), ("the power is wrong",)),
    "swapped_sides": Kind(
        4,
        ("The two sides are swapped; it must be `{right}`.", "`{wrong}` is the wrong way round."),
        ("it is upside down", "the sign or the ratio is turned around"),
    ),
    "parentheses": Kind(
        3, ("Parentheses are missing; it must be `{right}`.", "Without parentheses the order of operations is wrong."), ()
    ),
    "wrong_name": Kind(
        7,
        ("It uses the wrong variable; it must be `{right}`.", "`{wrong}` uses the wrong name; `{right}` is meant."),
        ("it seems to use the wrong variable", "the wrong thing is used somewhere"),
    ),
    "typo": Kind(
        4,
        ("`{wrong}` is misspelt; the name is `{right}`.", "The variable is called `{right}`, not `{wrong}`."),
        ("there must be a typo", "it does not know a name"),
    ),
    "wrong_method": Kind(
        4, ("The method is wrong; it must be `{right}`.", "`{wrong}` is the wrong method."), ("it calls the wrong method",)
    ),
    "unknown_method": Kind(
        3, ("That object has no such method; it must be `{right}`.", "`{wrong}` does not exist; `{right}` does."), ()
    ),
    "no_brackets": Kind(
        3,
        ("The method is not called; it needs brackets: `{right}`.", "`{wrong}` lacks the brackets of the call."),
        (),
    ),
    "no_copy": Kind(
        5,
        ("No copy is made, so the caller's data change; it needs `{right}`.", "It works on the original; `{right}` copies it."),
        ("my original changes too", "it changes what I pass in"),
    ),
    "no_items": Kind(4, ("It loops over the keys only; it needs `{right}`.",), ()),
    "missing_call": Kind(
        6,
        ("`{right}` is needed, not just `{wrong}`.", "The step `{right}` is missing."),
        ("something is not cleaned up first", "one step seems to be missing"),
    ),
    "missing_argument": Kind(
        4, ("An argument is missing; it must be `{right}`.", "`{wrong}` lacks an argument."), ("the order or base is wrong",)
    ),
    "key_error": Kind(
        6,
        ("A key that is not there yet raises a KeyError; `{right}` has a default.", "The missing key needs a default: `{right}`."),
        ("it crashes on a new key", "unknown keys crash it"),
    ),
    "key_missing": Kind(
        5, ("The key must be created first.", "A new key has no value yet; it must be set first."), ("it crashes on a new key",)
    ),
    "no_default": Kind(
        3, ("`get` returns None without a default; it needs `{right}`.", "The default is missing: `{right}`."), ()
    ),
    "overwritten": Kind(
        6,
        ("The value is overwritten each time; it must be `{right}`.", "It keeps only the last one; `{right}` collects them all."),
        ("only the last one counts", "everything before the last is lost"),
    ),
    "swapped_arguments": Kind(
        4, ("The arguments are swapped; it must be `{right}`.", "`{wrong}` has its arguments in the wrong order."), ()
    ),
    "star": Kind(2, ("The star is missing; it must be `{right}`.",), ()),
    "wrong_function": Kind(
        4, ("It calls the wrong function; it must be `{right}`.", "`{wrong}` should be `{right}`."), ("it picks the wrong one",)
    ),
    "changed_in_loop": Kind(
        7,
        (
            "It removes elements from what it loops over; loop over `{right}`.",
            "The collection changes during the loop; loop over a copy, `{right}`.",
        ),
        ("some of them stay in", "two in a row are not both removed"),
    ),
    "conversion": Kind(
        6,
        ("The value has the wrong type; it needs `{right}`.", "A conversion is missing: `{right}`."),
        ("it is about types I think", "texts and numbers get mixed up"),
    ),
    "sort_none": Kind(
        4, ("`sort` returns None; it needs `{right}`.", "`{wrong}` returns None, `{right}` returns a new list."), ("I get None",)
    ),
    "no_length": Kind(2, ("A list has no such attribute; its length is `{right}`.",), ()),
    "and_or": Kind(
        5,
        ("`and` and `or` are mixed up; it must be `{right}`.", "The conditions are joined wrongly; `{right}` is right."),
        ("it accepts too much or too little", "the two conditions do not work together"),
    ),
    "half_condition": Kind(3, ("A condition is missing; it must be `{right}`.",), ("one of the conditions is ignored",)),
    "or_value": Kind(
        8,
        ("A text after `or` is always true; both sides must compare: `{right}`.", "`or` needs a whole comparison on both sides."),
        ("it says yes to everything",),
    ),
    "missing_not": Kind(4, ("`not` is missing; it must be `{right}`.",), ("it does the opposite",)),
    "extra_not": Kind(4, ("The `not` is wrong here; it must be `{right}`.",), ("it does the opposite",)),
    "constant": Kind(
        4, ("The number is wrong; it must be `{right}`.", "`{wrong}` has the wrong number."), ("a number in it must be wrong",)
    ),
    "no_f": Kind(
        5,
        ("The `f` before the text is missing, so nothing is filled in.", "It must be an f-string: `{right}`."),
        ("the braces show up in the text",),
    ),
    "format": Kind(
        5, ("The format is missing; it must be `{right}`.", "The value needs a format, as in `{right}`."), ("zeros are missing",)
    ),
    "initial": Kind(
        5,
        ("The start value is wrong; it must be `{right}`.", "It starts with the wrong value; `{right}` is right."),
        ("it starts with the wrong value",),
    ),
    "missing_start": Kind(
        4,
        ("The variable has no start value; `{right}` is missing.", "`{right}` is missing before its first use."),
        (),
    ),
    "start_zero": Kind(
        4, ("Starting with 0 is wrong for other values; it must be `{right}`.",), ("it gives 0 for some lists",)
    ),
    "missing_step": Kind(
        6, ("The line `{right}` is missing.", "It never does `{right}`."), ("something is never updated", "one line got lost")
    ),
    "nonlocal": Kind(6, ("`{right}` is missing, so the name is local.",), ()),
    "thrown_away": Kind(
        5,
        ("The result is thrown away; it must be `{right}`.", "`{wrong}` changes nothing; its result must be stored."),
        ("nothing changes",),
    ),
    "none_assigned": Kind(
        4,
        ("The method changes the list and returns None; it must be `{right}`.", "`{wrong}` stores None."),
        ("it is None all of a sudden",),
    ),
    "no_return": Kind(
        10,
        ("The result is never returned.", "The `return` is missing.", "It returns None; `{right}` is missing."),
        ("I always get None", "it returns None", "nothing comes back"),
    ),
    "printed": Kind(
        4, ("It prints the result instead of returning it.", "`print` shows it, but the function returns None."), ("I get None",)
    ),
    "early_return": Kind(
        8,
        ("The `return` is inside the loop, so it ends after the first round.", "It returns in the first round of the loop."),
        ("it stops after the first one", "only the first one is looked at"),
    ),
    "no_yield": Kind(4, ("`return` ends the generator at once; it needs `yield`.",), ("it ends after the first one",)),
    "dedented": Kind(
        5, ("`{right}` is outside the loop; it belongs inside.", "The line `{right}` must be in the loop."), ("only the last one counts",)
    ),
    "break_continue": Kind(4, ("`{wrong}` is wrong here; it must be `{right}`.",), ()),
    "base_case": Kind(
        8, ("The recursion has no end; the base case is missing.", "The base case `{right}` is missing."), ("it never stops",)
    ),
    "order": Kind(
        6,
        ("The conditions are checked in the wrong order; `{right}` must come first.", "The order of the checks is wrong."),
        ("one of the results never comes up",),
    ),
    "mutable_default": Kind(
        8,
        (
            "The default list is made once and shared by all calls.",
            "`{wrong}` keeps its elements between calls; the default must be None.",
        ),
        ("the second call still has the first one's entry", "old entries show up again"),
    ),
    "self_parameter": Kind(3, ("The method lacks the parameter `self`.", "`self` is missing in `{right}`."), ()),
    "self_stored": Kind(
        4, ("The value is stored in a local name; it must be `{right}`.", "`{right}` must be set, not `{wrong}`."), ()
    ),
    "self_missing": Kind(4, ("`{wrong}` is an attribute; it must be `{right}`.", "`self.` is missing: `{right}`."), ()),
    "shadow": Kind(3, ("The variable `{wrong}` hides the function of that name.",), ("a function is not callable any more",)),
    "colon": Kind(4, ("A colon is missing at the end of `{wrong}`.", "The colon after `{wrong}` is missing."), ("it does not even start",)),
    "bracket": Kind(3, ("A closing bracket is missing in `{wrong}`.",), ("it does not even start",)),
    "indent": Kind(3, ("`{right}` is not indented.", "The body must be indented."), ("it does not even start",)),
    "own": Kind(16, ("",)),
}
