"""Faults that need more than one command, and the tests that hold them, by section and fault."""

from __future__ import annotations

_CONTAINER = "tests/model/importers/test_container.py"
_OUTPUT = "tests/base/test_output.py"
_REGULAR = "tests/base/test_regular.py"
_SIMULATE = "tests/proof/test_simulate.py"
_MUTATIONS = "hdl_tests/test_mutations.py"
_PLANTED = "hdl_tests/test_planted_faults.py"
_BENCH = "tests/proof/test_bench.py"
_NAMES = "tests/hardware/emit/test_names.py"
_HOSTILE = "tests/faults/test_hostile_names.py"
_PLACES = "tests/faults/test_environment.py"
_FUZZ = "hdl_tests/test_fuzz.py"
_REFERENCE = "tests/integer/reference/test_reference.py"

EXACT = (f"{_REFERENCE}::test_convolutions_of_any_geometry", f"{_FUZZ}::test_the_networks_cover_everything")
POOLS = (f"{_REFERENCE}::test_pooling_of_any_geometry", f"{_FUZZ}::test_the_networks_cover_everything")

HELD: dict[str, dict[str, tuple[str, ...]]] = {
    "container": {
        "a FIFO or a device in place of any file": (
            f"{_CONTAINER}::test_not_a_file",
            f"{_REGULAR}::test_only_regular_files_are_read",
        ),
        "a file that may not be read": (f"{_CONTAINER}::test_unreadable_file",),
        "any truncation or flipped bit": (
            f"{_CONTAINER}::test_truncation_anywhere_is_refused",
            f"{_CONTAINER}::test_corruption_anywhere_is_read_or_refused",
            "tests/model/importers/test_onnx_files.py::test_every_truncation_and_every_flipped_byte_is_met_with_an_error_of_ours",
            "tests/integer/test_file.py::test_truncations_and_flips_never_escape",
            "tests/faults/test_fuzz_inputs.py::test_damaged_files_are_read_or_refused",
        ),
    },
    "geometry": {
        "dilation, stride over kernel, unequal and even padding, 1x1, rows of a pixel, a group a channel": EXACT,
        "pooling with the padding counted and not, global average": POOLS,
    },
    "options and data": {
        "an accumulator over 64 bits": ("tests/quantizer/test_quantizer.py::test_a_bias_beyond_64_bits_is_refused",),
        "a target that cannot be met says what can": (
            "tests/cli/test_hardware.py::test_an_unreachable_target_says_what_can_be_met",
        ),
    },
    "names": {
        "every hostile name in Verilog, its map and its simulation": (
            f"{_NAMES}::test_identifiers_are_safe",
            f"{_NAMES}::test_comments_are_safe",
            f"{_NAMES}::test_networks_of_nasty_names",
            f"{_NAMES}::test_no_name_stands_first_in_a_comment",
        ),
        "in HLS C++": ("tests/hardware/emit/test_hls.py::test_names_of_the_model_stay_in_comments",),
        "in packages, their Tcl, XML, YAML, C header and Python, in tables and pictures": (
            f"{_HOSTILE}::test_packages_are_parsed_by_their_readers",
            f"{_HOSTILE}::test_what_is_printed_is_one_line",
        ),
        "in the file of a network": ("tests/integer/test_file.py::test_strange_names_survive",),
    },
    "environment": {
        "output folder read-only": (f"{_OUTPUT}::test_read_only_places",),
        "output on a full disk": (
            f"{_OUTPUT}::test_a_full_target_leaves_nothing",
            f"{_PLACES}::test_a_full_disk_leaves_the_previous_output",
        ),
        "output that is a file or a link": (f"{_OUTPUT}::test_a_file_and_a_link_are_refused",),
        "output that is a device, a FIFO, a socket or a link": (
            "tests/hardware/emit/test_write_targets.py::test_refused_by_every_command",
        ),
        "output folder with files of others": (
            f"{_OUTPUT}::test_files_of_others_are_never_replaced",
            f"{_OUTPUT}::test_users_files_among_products_are_refused_and_can_be_kept",
        ),
        "killed 50 times": (
            f"{_OUTPUT}::test_killed_fifty_times",
            f"{_PLACES}::test_the_command_killed_fifty_times",
        ),
        "two builds at once": (
            f"{_OUTPUT}::test_two_builds_at_once_do_not_mix",
            f"{_PLACES}::test_two_commands_at_once",
        ),
        "simulator missing": (f"{_SIMULATE}::test_missing_simulator",),
        "simulator too old": (f"{_SIMULATE}::test_old_or_odd_simulator",),
        "simulator crashes, hangs, prints forever, does nothing": (f"{_SIMULATE}::test_misbehaving_simulator",),
        "locale C, no HOME, umask 077, python -O": (f"{_PLACES}::test_odd_environments_give_the_same_bytes",),
        "the same bytes under two hash seeds": (f"{_PLACES}::test_odd_environments_give_the_same_bytes",),
        "a cache folder that others can write": (
            "tests/proof/test_compiled.py::test_nothing_is_loaded_from_a_folder_of_others",
        ),
    },
    "hardware that a bench has to find": {
        "signed dropped": (f"{_MUTATIONS}::test_fault_in_the_text_is_found",),
        "-8'sd128": ("tests/hardware/emit/test_literals.py::test_sized",),
        "rounding constant 0 or off by one": (
            f"{_MUTATIONS}::test_fault_in_the_text_is_found",
            f"{_PLANTED}::test_fault_is_found",
        ),
        "one side saturated": (f"{_MUTATIONS}::test_fault_in_the_text_is_found",),
        "accumulator one bit narrower": (
            f"{_MUTATIONS}::test_narrower_accumulator_is_found",
            f"{_FUZZ}::test_overflow_is_asserted",
        ),
        "a row or column counter one short or long": (f"{_MUTATIONS}::test_fault_in_the_text_is_found",),
        "padding off by one": (f"{_MUTATIONS}::test_fault_in_a_layer_is_named",),
        "ROM transposed": (f"{_MUTATIONS}::test_fault_in_a_layer_is_named",),
        "ROM shifted, one bit flipped, missing": (
            f"{_MUTATIONS}::test_fault_in_a_memory_file_is_found",
            f"{_PLANTED}::test_fault_is_found",
        ),
        "valid not held while stalled": (f"{_MUTATIONS}::test_fault_in_the_text_is_found",),
        "last one beat early": (f"{_MUTATIONS}::test_fault_in_the_text_is_found",),
        "reset that leaves counters": (f"{_MUTATIONS}::test_fault_in_the_text_is_found",),
        "ready stuck after back-to-back frames": (f"{_BENCH}::test_broken_network_is_killed",),
        "channel order reversed": (f"{_MUTATIONS}::test_fault_in_a_layer_is_named",),
        "a skip connection's buffer too small": (f"{_FUZZ}::test_smaller_queues_stop_or_slow_the_hardware",),
    },
    "the bench itself": {
        "one golden value perturbed": (f"{_BENCH}::test_perturbed_golden_value_fails",),
        "no tests run": (f"{_BENCH}::test_zero_tests_fail",),
        "X on an output": (f"{_BENCH}::test_broken_network_is_killed",),
    },
}
