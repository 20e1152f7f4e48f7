"""The unit tests that run on other systems, and for each what only Linux can do.

``python -m tests.systems.selection SYSTEM`` runs them on the real one.
"""

from __future__ import annotations

import sys

import pytest

FILES = (
    *("tests/unit/ops", "tests/unit/wire", "tests/unit/definition", "tests/unit/sources"),
    *("tests/unit/state", "tests/unit/dockerfile/test_offline.py", "tests/unit/test_platforms.py"),
    *("tests/unit/grpc", "tests/unit/local_files", "tests/unit/gateway", "tests/unit/testing"),
    *("tests/unit/client/session", "tests/unit/client/export", "tests/unit/client/registry_auth"),
    "tests/unit/client/connect",
)

# Nodes as pytest names them; a folder, a file, or the beginning of the name of a test.
LINUX_ONLY = {
    "darwin": (
        # /proc
        "tests/unit/client/session/providers/test_filesync.py::test_a_file_without_a_size",
        "tests/unit/client/registry_auth/test_pem.py::test_a_file_in_memory_is_gone_afterwards",
    ),
    "windows": (
        # /proc
        "tests/unit/client/session/providers/test_filesync.py::test_a_file_without_a_size",
        "tests/unit/client/registry_auth/test_pem.py::test_a_file_in_memory_is_gone_afterwards",
        # Forks.
        "tests/unit/grpc/test_forks.py",
        "tests/unit/client/connect/test_calls.py::test_a_child_of_a_fork",
        "tests/unit/client/connect/test_calls.py::test_a_scope_of_before_a_fork",
        "tests/unit/client/connect/test_calls.py::test_responses_of_before_a_fork",
        # Unix sockets, also those of ssh agents and of the fake Docker.
        "tests/unit/client/session/providers/test_ssh.py",
        "tests/unit/client/session/test_private_ssh_agent.py",
        "tests/unit/client/session/test_ssh_agents.py::test_unusable_agents",
        "tests/unit/client/connect/docker/test_engine.py",
        "tests/unit/client/connect/docker/test_contexts.py::test_the_order_is_that_of_dockers_cli",
        "tests/unit/client/connect/test_address.py",
        "tests/unit/client/connect/test_sockets.py::test_a_missing_socket",
        "tests/unit/client/connect/test_sockets.py::test_a_named_pipe_is_an_error_where_there_is_non",
        "tests/unit/client/connect/test_sockets.py::test_a_unix_socket",
        "tests/unit/client/export/test_docker_load.py",
        "tests/unit/testing/test_daemon.py::test_closing_a_daemon_removes_its_socket",
        "tests/unit/client/export/test_receivers.py::test_the_daemon_cannot_read_files",
        # Descriptors of pipes that can be waited for, and groups of processes.
        "tests/unit/grpc/test_pipe.py::test_writing_to_a_closed_end_is_an_error[descriptor_pair]",
        "tests/unit/client/connect/test_program_pipe.py::test_a_failed_program_is_an_error_of_the_w",
        "tests/unit/client/connect/test_program_pipe.py::test_a_stubborn_program_is_killed",
        "tests/unit/client/connect/test_program_pipe.py::test_closing_wakes_a_reader",
        # Directories that are open, and paths longer than the system allows.
        "tests/unit/client/session/test_walk.py::test_a_replaced_root_is_read_as_it_was_opened",
        "tests/unit/client/session/test_walk.py::test_a_tree_deeper_than_the_limit_of_open_files",
        "tests/unit/client/session/test_walk.py::test_transfers_of_one_root_at_the_same_time",
        # Modes, owners, any names, named pipes in folders, and their errors.
        "tests/unit/client/export/test_cache_lock.py::test_a_folder_that_cannot_be_written",
        "tests/unit/client/export/test_receive_tree.py::test_a_tree_is_written_as_described",
        "tests/unit/local_files/test_atomic_write.py::test_a_file_that_is_replaced_keeps_mode",
        "tests/unit/local_files/test_atomic_write.py::test_a_descriptor_that_is_not_open",
        "tests/unit/local_files/test_names.py::test_every_name_is_possible_elsewhere",
        "tests/unit/local_files/test_merging.py::test_files_are_copied_to_a_mount",
        "tests/unit/local_files/test_writable.py::test_a_read_only_file_system_is_named",
        "tests/unit/testing/test_daemon.py::test_results_are_sent_to_the_exports",
        "tests/unit/testing/test_gateway.py::test_file_actions_are_applied",
        "tests/unit/testing/test_gateway.py::test_the_files_of_the_client_can_be_read",
        # Locks of folders.
        "tests/unit/local_files/test_staging.py",
    ),
}


def arguments(system: str) -> list[str]:
    """The arguments of pytest for a system."""
    return [
        *FILES,
        *(f"--ignore={node}" for node in LINUX_ONLY[system] if "::" not in node),
        *(f"--deselect={node}" for node in LINUX_ONLY[system] if "::" in node),
        *("-q", "-m", "not e2e and not go", "-p", "no:cacheprovider"),
    ]


if __name__ == "__main__":
    sys.exit(pytest.main(arguments(sys.argv[1])))
