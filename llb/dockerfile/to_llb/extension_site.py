"""The place of an instruction that a language adds: what stands there, and what it may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.shell.expand import DOCUMENT
from llb.dockerfile.to_llb.run import execute, with_shell
from llb.dockerfile.to_llb.step_names import expanded_code
from llb.errors import InvalidValueError, did_you_mean
from llb.state.image_config import CONFIG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llb import Platform, State
    from llb.dockerfile.instructions.nodes import Added
    from llb.dockerfile.parser.parser import Heredoc
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.state.settings import MountValue
    from llb.state.step_options import StepOptions


class Site:
    """An added instruction at its place in a stage.

    ``words`` are those after the flags, with their variables replaced unless the instruction
    takes them whole. What it does is :meth:`run`, :meth:`take`, :meth:`configure` and
    :meth:`set_variable`, in the order in which they are called.
    """

    def __init__(self, conversion: Conversion, result: StageResult, instruction: Added) -> None:
        self._conversion = conversion
        self._result = result
        self._instruction = instruction
        self._steps = 0
        self._has_history = False
        self.words = self._expanded(instruction.words)

    # --- what stands there ---------------------------------------------------

    def flag(self, name: str) -> str | None:
        """Return the value of a flag that takes one, None where it is absent."""
        found = self.flags(name)
        return found[-1] if found else None

    def flags(self, name: str) -> tuple[str, ...]:
        """Return all values of a flag, none where it is absent."""
        return self._expanded(self._instruction.flags.get(name, ()))

    def switch(self, name: str) -> bool:
        """Return whether a switch is given, and not as false."""
        return self._instruction.flags.get(name) == ("true",)

    @property
    def documents(self) -> tuple[str, ...]:
        """The here-documents, with their variables replaced unless they are quoted."""
        return tuple(self._document(each) for each in self._instruction.documents)

    @property
    def state(self) -> State:
        """The files of the stage so far, with the settings of processes."""
        return self._result.state

    @property
    def env(self) -> Mapping[str, str]:
        """The variables at this place, those of ARG included."""
        return dict(self._result.env)

    @property
    def platform(self) -> Platform:
        """What the stage is for."""
        return self._result.platform

    def config(self, key: str) -> Any:
        """Return an entry of the image config by Docker's key, as ``User``, or None."""
        config = self._result.image.to_config()
        return config.to_dict().get(key, config.other.get(key))

    def context(self, path: str) -> State:
        """Return the build context, of which ``path`` is used; no other file needs to be there."""
        self._conversion.context.use(path)
        return self._conversion.context.state

    def tree(self, flag: str) -> State | None:
        """Return the files of the stage or image that a flag names, None where it is absent."""
        kind, given = self._instruction.kind, self._instruction.flags
        if flag not in given:
            return None
        place = [name for name in kind.trees if name in given].index(flag)
        source = self._conversion.source_of(self._result, self._instruction, place)
        source.use("/")
        return source.state

    def error(
        self, message: str, *, word: str | None = None, hint: str | None = None
    ) -> DockerfileError:
        """Return an error at this place, with a caret below ``word`` as the file has it."""
        first, last = self._instruction.origin.lines
        source = self._conversion.source
        spans = (source.span(line, last, word=word) for line in range(first, last + 1))
        found = next((each for each in spans if each.column is not None), source.span(first, last))
        return DockerfileError(message, span=found, hint=hint)

    # --- what it changes -----------------------------------------------------

    def run(self, command: str | Sequence[str], *, mounts: Iterable[MountValue] = ()) -> None:
        """Run a process as RUN does; a text is given to the shell of the image.

        ``mounts`` come from :mod:`llb.state.mounts`.
        """
        result = self._result
        args = with_shell(result.image, [command]) if isinstance(command, str) else tuple(command)
        result.use("/")
        execute(self._conversion, result, args, tuple(mounts), self.step())
        self._has_history = True

    def take(self, state: State) -> None:
        """Go on with the files of ``state``, which are made of those of :attr:`state` in one step.

        Its settings are not taken; processes keep those of the stage.
        """
        self._check_step()
        self._result.state = self._result.state.with_output(state)
        self._result.commit(f"{self._text} # buildkit", layer=True)
        self._has_history = True

    def step(self) -> StepOptions:
        """Return what is said of a step besides what it does: ``state.mkdir("/x", **site.step())``.

        These are its numbered name, its place in the file, and whether it is done anew. Several
        steps have the same number.
        """
        self._check_step()
        numbering = self._result.numbering
        named = numbering.again if self._steps else numbering.next
        self._steps += 1
        return self._conversion.step(
            self._instruction.origin,
            named(self._text, self._result.env),
            ignore_cache=self._result.no_cache,
            describe=True,
        )

    def configure(self, key: str, value: object) -> None:
        """Set an entry of the image config by Docker's key: ``configure("StopSignal", "INT")``.

        Labels, ports and volumes are added to the existing ones. Processes follow ``User`` and
        ``WorkingDir``. Raises InvalidValueError for an unknown key and for a value of another type.
        """
        if key == "Env":
            raise InvalidValueError("Env cannot be set as a whole", hint="set_variable() sets one")
        if key not in CONFIG_FIELDS:
            hint = did_you_mean(key, CONFIG_FIELDS)
            raise InvalidValueError(f"no entry of an image config: {key!r}", hint=hint)
        if key == "User":
            self._result.set_user(str(value))
        elif key == "WorkingDir":
            self._result.set_workdir(str(value))
        else:
            self._result.image.configure(key, value)

    def set_variable(self, key: str, value: str) -> None:
        """Set a variable for processes, for expansion and in the image, as ENV does."""
        self._result.set_variables([(key, value)])
        self._result.image.set_variable(key, value)

    def finish(self) -> None:
        """Note what changed nothing but settings in the history of the image."""
        if not self._has_history:
            self._result.commit(self._text)

    def _check_step(self) -> None:
        if not self._instruction.kind.is_step:
            name = self._instruction.kind.name
            raise InvalidValueError(f"{name} is no step, and changes no files")

    @property
    def _text(self) -> str:
        """The instruction with its variables replaced."""
        conversion, code = self._conversion, self._instruction.origin.code
        if self._instruction.kind.is_whole:
            return expanded_code(code, conversion.naming, self._result.env)
        return expanded_code(code, conversion.expander, self._result.env)

    def _expanded(self, words: tuple[str, ...]) -> tuple[str, ...]:
        if self._instruction.kind.is_whole:
            return words
        env = self._result.env
        return tuple(self._conversion.expander.word(each, env) for each in words)

    def _document(self, document: Heredoc) -> str:
        text = document.chomped
        return DOCUMENT.word(text, self._result.env) if document.expand else text


def added(
    conversion: Conversion,
    result: StageResult,
    instruction: Added,
    handler: Callable[[Site], None],
) -> None:
    """Do what the language says of an instruction that it adds."""
    site = Site(conversion, result, instruction)
    handler(site)
    site.finish()
