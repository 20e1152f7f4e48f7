from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from llb._pb import caps_pb2 as _caps_pb2
from llb._pb import fsutil_pb2 as _fsutil_pb2
from llb._pb import ops_pb2 as _ops_pb2
from llb._pb import policy_pb2 as _policy_pb2
from llb._pb import worker_pb2 as _worker_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

Bundle: AttestationKind
DESCRIPTOR: _descriptor.FileDescriptor
InToto: AttestationKind
Raw: InTotoSubjectKind
Self: InTotoSubjectKind

class Attestation(_message.Message):
    __slots__ = ["inTotoPredicateType", "inTotoSubjects", "kind", "metadata", "path", "ref"]
    class MetadataEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    INTOTOPREDICATETYPE_FIELD_NUMBER: _ClassVar[int]
    INTOTOSUBJECTS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    inTotoPredicateType: str
    inTotoSubjects: _containers.RepeatedCompositeFieldContainer[InTotoSubject]
    kind: AttestationKind
    metadata: _containers.ScalarMap[str, bytes]
    path: str
    ref: Ref
    def __init__(self, kind: _Optional[_Union[AttestationKind, str]] = ..., metadata: _Optional[_Mapping[str, bytes]] = ..., ref: _Optional[_Union[Ref, _Mapping]] = ..., path: _Optional[str] = ..., inTotoPredicateType: _Optional[str] = ..., inTotoSubjects: _Optional[_Iterable[_Union[InTotoSubject, _Mapping]]] = ...) -> None: ...

class AttestationChain(_message.Message):
    __slots__ = ["AttestationManifest", "Blobs", "ImageManifest", "Root", "SignatureManifests"]
    class BlobsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Blob
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Blob, _Mapping]] = ...) -> None: ...
    ATTESTATIONMANIFEST_FIELD_NUMBER: _ClassVar[int]
    AttestationManifest: str
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    Blobs: _containers.MessageMap[str, Blob]
    IMAGEMANIFEST_FIELD_NUMBER: _ClassVar[int]
    ImageManifest: str
    ROOT_FIELD_NUMBER: _ClassVar[int]
    Root: str
    SIGNATUREMANIFESTS_FIELD_NUMBER: _ClassVar[int]
    SignatureManifests: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, Root: _Optional[str] = ..., ImageManifest: _Optional[str] = ..., AttestationManifest: _Optional[str] = ..., SignatureManifests: _Optional[_Iterable[str]] = ..., Blobs: _Optional[_Mapping[str, Blob]] = ...) -> None: ...

class Attestations(_message.Message):
    __slots__ = ["attestation"]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    attestation: _containers.RepeatedCompositeFieldContainer[Attestation]
    def __init__(self, attestation: _Optional[_Iterable[_Union[Attestation, _Mapping]]] = ...) -> None: ...

class Blob(_message.Message):
    __slots__ = ["data", "descriptor"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    descriptor: Descriptor
    def __init__(self, descriptor: _Optional[_Union[Descriptor, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class CacheOptionsEntry(_message.Message):
    __slots__ = ["Attrs", "Type"]
    class AttrsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ATTRS_FIELD_NUMBER: _ClassVar[int]
    Attrs: _containers.ScalarMap[str, str]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    Type: str
    def __init__(self, Type: _Optional[str] = ..., Attrs: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ChecksumRequest(_message.Message):
    __slots__ = ["Algo", "Suffix"]
    class ChecksumAlgo(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    ALGO_FIELD_NUMBER: _ClassVar[int]
    Algo: ChecksumRequest.ChecksumAlgo
    CHECKSUM_ALGO_SHA256: ChecksumRequest.ChecksumAlgo
    CHECKSUM_ALGO_SHA384: ChecksumRequest.ChecksumAlgo
    CHECKSUM_ALGO_SHA512: ChecksumRequest.ChecksumAlgo
    SUFFIX_FIELD_NUMBER: _ClassVar[int]
    Suffix: bytes
    def __init__(self, Algo: _Optional[_Union[ChecksumRequest.ChecksumAlgo, str]] = ..., Suffix: _Optional[bytes] = ...) -> None: ...

class ChecksumResponse(_message.Message):
    __slots__ = ["Digest", "Suffix"]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    Digest: str
    SUFFIX_FIELD_NUMBER: _ClassVar[int]
    Suffix: bytes
    def __init__(self, Digest: _Optional[str] = ..., Suffix: _Optional[bytes] = ...) -> None: ...

class Descriptor(_message.Message):
    __slots__ = ["annotations", "digest", "media_type", "size"]
    class AnnotationsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    annotations: _containers.ScalarMap[str, str]
    digest: str
    media_type: str
    size: int
    def __init__(self, media_type: _Optional[str] = ..., digest: _Optional[str] = ..., size: _Optional[int] = ..., annotations: _Optional[_Mapping[str, str]] = ...) -> None: ...

class DoneMessage(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class EvaluateRequest(_message.Message):
    __slots__ = ["Ref"]
    REF_FIELD_NUMBER: _ClassVar[int]
    Ref: str
    def __init__(self, Ref: _Optional[str] = ...) -> None: ...

class EvaluateResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ExecMessage(_message.Message):
    __slots__ = ["Done", "Exit", "File", "Init", "ProcessID", "Resize", "Signal", "Started"]
    DONE_FIELD_NUMBER: _ClassVar[int]
    Done: DoneMessage
    EXIT_FIELD_NUMBER: _ClassVar[int]
    Exit: ExitMessage
    FILE_FIELD_NUMBER: _ClassVar[int]
    File: FdMessage
    INIT_FIELD_NUMBER: _ClassVar[int]
    Init: InitMessage
    PROCESSID_FIELD_NUMBER: _ClassVar[int]
    ProcessID: str
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    Resize: ResizeMessage
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    Signal: SignalMessage
    Started: StartedMessage
    def __init__(self, ProcessID: _Optional[str] = ..., Init: _Optional[_Union[InitMessage, _Mapping]] = ..., File: _Optional[_Union[FdMessage, _Mapping]] = ..., Resize: _Optional[_Union[ResizeMessage, _Mapping]] = ..., Started: _Optional[_Union[StartedMessage, _Mapping]] = ..., Exit: _Optional[_Union[ExitMessage, _Mapping]] = ..., Done: _Optional[_Union[DoneMessage, _Mapping]] = ..., Signal: _Optional[_Union[SignalMessage, _Mapping]] = ...) -> None: ...

class ExitMessage(_message.Message):
    __slots__ = ["Code", "Error"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    Code: int
    ERROR_FIELD_NUMBER: _ClassVar[int]
    Error: _status_pb2.Status
    def __init__(self, Code: _Optional[int] = ..., Error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class FdMessage(_message.Message):
    __slots__ = ["Data", "EOF", "Fd"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    Data: bytes
    EOF: bool
    EOF_FIELD_NUMBER: _ClassVar[int]
    FD_FIELD_NUMBER: _ClassVar[int]
    Fd: int
    def __init__(self, Fd: _Optional[int] = ..., EOF: bool = ..., Data: _Optional[bytes] = ...) -> None: ...

class FileRange(_message.Message):
    __slots__ = ["Length", "Offset"]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    Length: int
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    Offset: int
    def __init__(self, Offset: _Optional[int] = ..., Length: _Optional[int] = ...) -> None: ...

class InTotoSubject(_message.Message):
    __slots__ = ["digest", "kind", "name"]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    digest: _containers.RepeatedScalarFieldContainer[str]
    kind: InTotoSubjectKind
    name: str
    def __init__(self, kind: _Optional[_Union[InTotoSubjectKind, str]] = ..., digest: _Optional[_Iterable[str]] = ..., name: _Optional[str] = ...) -> None: ...

class InitMessage(_message.Message):
    __slots__ = ["ContainerID", "Fds", "Meta", "Security", "Tty", "secretenv"]
    CONTAINERID_FIELD_NUMBER: _ClassVar[int]
    ContainerID: str
    FDS_FIELD_NUMBER: _ClassVar[int]
    Fds: _containers.RepeatedScalarFieldContainer[int]
    META_FIELD_NUMBER: _ClassVar[int]
    Meta: _ops_pb2.Meta
    SECRETENV_FIELD_NUMBER: _ClassVar[int]
    SECURITY_FIELD_NUMBER: _ClassVar[int]
    Security: _ops_pb2.SecurityMode
    TTY_FIELD_NUMBER: _ClassVar[int]
    Tty: bool
    secretenv: _containers.RepeatedCompositeFieldContainer[_ops_pb2.SecretEnv]
    def __init__(self, ContainerID: _Optional[str] = ..., Meta: _Optional[_Union[_ops_pb2.Meta, _Mapping]] = ..., Fds: _Optional[_Iterable[int]] = ..., Tty: bool = ..., Security: _Optional[_Union[_ops_pb2.SecurityMode, str]] = ..., secretenv: _Optional[_Iterable[_Union[_ops_pb2.SecretEnv, _Mapping]]] = ...) -> None: ...

class InputsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class InputsResponse(_message.Message):
    __slots__ = ["Definitions"]
    class DefinitionsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _ops_pb2.Definition
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_ops_pb2.Definition, _Mapping]] = ...) -> None: ...
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    Definitions: _containers.MessageMap[str, _ops_pb2.Definition]
    def __init__(self, Definitions: _Optional[_Mapping[str, _ops_pb2.Definition]] = ...) -> None: ...

class NewContainerRequest(_message.Message):
    __slots__ = ["ContainerID", "Mounts", "Network", "constraints", "extraHosts", "hostname", "platform"]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    CONTAINERID_FIELD_NUMBER: _ClassVar[int]
    ContainerID: str
    EXTRAHOSTS_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    MOUNTS_FIELD_NUMBER: _ClassVar[int]
    Mounts: _containers.RepeatedCompositeFieldContainer[_ops_pb2.Mount]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    Network: _ops_pb2.NetMode
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    constraints: _ops_pb2.WorkerConstraints
    extraHosts: _containers.RepeatedCompositeFieldContainer[_ops_pb2.HostIP]
    hostname: str
    platform: _ops_pb2.Platform
    def __init__(self, ContainerID: _Optional[str] = ..., Mounts: _Optional[_Iterable[_Union[_ops_pb2.Mount, _Mapping]]] = ..., Network: _Optional[_Union[_ops_pb2.NetMode, str]] = ..., platform: _Optional[_Union[_ops_pb2.Platform, _Mapping]] = ..., constraints: _Optional[_Union[_ops_pb2.WorkerConstraints, _Mapping]] = ..., extraHosts: _Optional[_Iterable[_Union[_ops_pb2.HostIP, _Mapping]]] = ..., hostname: _Optional[str] = ...) -> None: ...

class NewContainerResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class PingRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class PongResponse(_message.Message):
    __slots__ = ["FrontendAPICaps", "LLBCaps", "Workers"]
    FRONTENDAPICAPS_FIELD_NUMBER: _ClassVar[int]
    FrontendAPICaps: _containers.RepeatedCompositeFieldContainer[_caps_pb2.APICap]
    LLBCAPS_FIELD_NUMBER: _ClassVar[int]
    LLBCaps: _containers.RepeatedCompositeFieldContainer[_caps_pb2.APICap]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    Workers: _containers.RepeatedCompositeFieldContainer[_worker_pb2.WorkerRecord]
    def __init__(self, FrontendAPICaps: _Optional[_Iterable[_Union[_caps_pb2.APICap, _Mapping]]] = ..., LLBCaps: _Optional[_Iterable[_Union[_caps_pb2.APICap, _Mapping]]] = ..., Workers: _Optional[_Iterable[_Union[_worker_pb2.WorkerRecord, _Mapping]]] = ...) -> None: ...

class ReadDirRequest(_message.Message):
    __slots__ = ["DirPath", "IncludePattern", "MountIndex", "Ref"]
    DIRPATH_FIELD_NUMBER: _ClassVar[int]
    DirPath: bytes
    INCLUDEPATTERN_FIELD_NUMBER: _ClassVar[int]
    IncludePattern: str
    MOUNTINDEX_FIELD_NUMBER: _ClassVar[int]
    MountIndex: int
    REF_FIELD_NUMBER: _ClassVar[int]
    Ref: str
    def __init__(self, Ref: _Optional[str] = ..., DirPath: _Optional[bytes] = ..., IncludePattern: _Optional[str] = ..., MountIndex: _Optional[int] = ...) -> None: ...

class ReadDirResponse(_message.Message):
    __slots__ = ["entries"]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_fsutil_pb2.Stat]
    def __init__(self, entries: _Optional[_Iterable[_Union[_fsutil_pb2.Stat, _Mapping]]] = ...) -> None: ...

class ReadFileRequest(_message.Message):
    __slots__ = ["FilePath", "MountIndex", "Range", "Ref"]
    FILEPATH_FIELD_NUMBER: _ClassVar[int]
    FilePath: bytes
    MOUNTINDEX_FIELD_NUMBER: _ClassVar[int]
    MountIndex: int
    RANGE_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    Range: FileRange
    Ref: str
    def __init__(self, Ref: _Optional[str] = ..., FilePath: _Optional[bytes] = ..., Range: _Optional[_Union[FileRange, _Mapping]] = ..., MountIndex: _Optional[int] = ...) -> None: ...

class ReadFileResponse(_message.Message):
    __slots__ = ["Data"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    Data: bytes
    def __init__(self, Data: _Optional[bytes] = ...) -> None: ...

class Ref(_message.Message):
    __slots__ = ["id"]
    DEF_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ..., **kwargs) -> None: ...

class RefMap(_message.Message):
    __slots__ = ["refs"]
    class RefsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Ref
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Ref, _Mapping]] = ...) -> None: ...
    REFS_FIELD_NUMBER: _ClassVar[int]
    refs: _containers.MessageMap[str, Ref]
    def __init__(self, refs: _Optional[_Mapping[str, Ref]] = ...) -> None: ...

class RefMapDeprecated(_message.Message):
    __slots__ = ["refs"]
    class RefsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REFS_FIELD_NUMBER: _ClassVar[int]
    refs: _containers.ScalarMap[str, str]
    def __init__(self, refs: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ReleaseContainerRequest(_message.Message):
    __slots__ = ["ContainerID"]
    CONTAINERID_FIELD_NUMBER: _ClassVar[int]
    ContainerID: str
    def __init__(self, ContainerID: _Optional[str] = ...) -> None: ...

class ReleaseContainerResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ResizeMessage(_message.Message):
    __slots__ = ["Cols", "Rows"]
    COLS_FIELD_NUMBER: _ClassVar[int]
    Cols: int
    ROWS_FIELD_NUMBER: _ClassVar[int]
    Rows: int
    def __init__(self, Rows: _Optional[int] = ..., Cols: _Optional[int] = ...) -> None: ...

class ResolveImageConfigRequest(_message.Message):
    __slots__ = ["LogName", "Platform", "Ref", "ResolveMode", "ResolverType", "SessionID", "SourcePolicies", "StoreID"]
    LOGNAME_FIELD_NUMBER: _ClassVar[int]
    LogName: str
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    Platform: _ops_pb2.Platform
    REF_FIELD_NUMBER: _ClassVar[int]
    RESOLVEMODE_FIELD_NUMBER: _ClassVar[int]
    RESOLVERTYPE_FIELD_NUMBER: _ClassVar[int]
    Ref: str
    ResolveMode: str
    ResolverType: int
    SESSIONID_FIELD_NUMBER: _ClassVar[int]
    SOURCEPOLICIES_FIELD_NUMBER: _ClassVar[int]
    STOREID_FIELD_NUMBER: _ClassVar[int]
    SessionID: str
    SourcePolicies: _containers.RepeatedCompositeFieldContainer[_policy_pb2.Policy]
    StoreID: str
    def __init__(self, Ref: _Optional[str] = ..., Platform: _Optional[_Union[_ops_pb2.Platform, _Mapping]] = ..., ResolveMode: _Optional[str] = ..., LogName: _Optional[str] = ..., ResolverType: _Optional[int] = ..., SessionID: _Optional[str] = ..., StoreID: _Optional[str] = ..., SourcePolicies: _Optional[_Iterable[_Union[_policy_pb2.Policy, _Mapping]]] = ...) -> None: ...

class ResolveImageConfigResponse(_message.Message):
    __slots__ = ["Config", "Digest", "Ref"]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    Config: bytes
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    Digest: str
    REF_FIELD_NUMBER: _ClassVar[int]
    Ref: str
    def __init__(self, Digest: _Optional[str] = ..., Config: _Optional[bytes] = ..., Ref: _Optional[str] = ...) -> None: ...

class ResolveSourceGitRequest(_message.Message):
    __slots__ = ["ReturnObject"]
    RETURNOBJECT_FIELD_NUMBER: _ClassVar[int]
    ReturnObject: bool
    def __init__(self, ReturnObject: bool = ...) -> None: ...

class ResolveSourceGitResponse(_message.Message):
    __slots__ = ["Checksum", "CommitChecksum", "CommitObject", "Ref", "TagObject"]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    COMMITCHECKSUM_FIELD_NUMBER: _ClassVar[int]
    COMMITOBJECT_FIELD_NUMBER: _ClassVar[int]
    Checksum: str
    CommitChecksum: str
    CommitObject: bytes
    REF_FIELD_NUMBER: _ClassVar[int]
    Ref: str
    TAGOBJECT_FIELD_NUMBER: _ClassVar[int]
    TagObject: bytes
    def __init__(self, Checksum: _Optional[str] = ..., Ref: _Optional[str] = ..., CommitChecksum: _Optional[str] = ..., CommitObject: _Optional[bytes] = ..., TagObject: _Optional[bytes] = ...) -> None: ...

class ResolveSourceHTTPRequest(_message.Message):
    __slots__ = ["ChecksumRequest"]
    CHECKSUMREQUEST_FIELD_NUMBER: _ClassVar[int]
    ChecksumRequest: ChecksumRequest
    def __init__(self, ChecksumRequest: _Optional[_Union[ChecksumRequest, _Mapping]] = ...) -> None: ...

class ResolveSourceHTTPResponse(_message.Message):
    __slots__ = ["Checksum", "ChecksumResponse", "Filename", "LastModified"]
    CHECKSUMRESPONSE_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    Checksum: str
    ChecksumResponse: ChecksumResponse
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    Filename: str
    LASTMODIFIED_FIELD_NUMBER: _ClassVar[int]
    LastModified: _timestamp_pb2.Timestamp
    def __init__(self, Checksum: _Optional[str] = ..., Filename: _Optional[str] = ..., LastModified: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., ChecksumResponse: _Optional[_Union[ChecksumResponse, _Mapping]] = ...) -> None: ...

class ResolveSourceImageRequest(_message.Message):
    __slots__ = ["AttestationChain", "NoConfig", "ResolveAttestations"]
    ATTESTATIONCHAIN_FIELD_NUMBER: _ClassVar[int]
    AttestationChain: bool
    NOCONFIG_FIELD_NUMBER: _ClassVar[int]
    NoConfig: bool
    RESOLVEATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    ResolveAttestations: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, NoConfig: bool = ..., AttestationChain: bool = ..., ResolveAttestations: _Optional[_Iterable[str]] = ...) -> None: ...

class ResolveSourceImageResponse(_message.Message):
    __slots__ = ["AttestationChain", "Config", "Digest"]
    ATTESTATIONCHAIN_FIELD_NUMBER: _ClassVar[int]
    AttestationChain: AttestationChain
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    Config: bytes
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    Digest: str
    def __init__(self, Digest: _Optional[str] = ..., Config: _Optional[bytes] = ..., AttestationChain: _Optional[_Union[AttestationChain, _Mapping]] = ...) -> None: ...

class ResolveSourceMetaRequest(_message.Message):
    __slots__ = ["Git", "HTTP", "Image", "LogName", "Platform", "ResolveMode", "Source", "SourcePolicies"]
    GIT_FIELD_NUMBER: _ClassVar[int]
    Git: ResolveSourceGitRequest
    HTTP: ResolveSourceHTTPRequest
    HTTP_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    Image: ResolveSourceImageRequest
    LOGNAME_FIELD_NUMBER: _ClassVar[int]
    LogName: str
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    Platform: _ops_pb2.Platform
    RESOLVEMODE_FIELD_NUMBER: _ClassVar[int]
    ResolveMode: str
    SOURCEPOLICIES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    Source: _ops_pb2.SourceOp
    SourcePolicies: _containers.RepeatedCompositeFieldContainer[_policy_pb2.Policy]
    def __init__(self, Source: _Optional[_Union[_ops_pb2.SourceOp, _Mapping]] = ..., Platform: _Optional[_Union[_ops_pb2.Platform, _Mapping]] = ..., LogName: _Optional[str] = ..., ResolveMode: _Optional[str] = ..., Git: _Optional[_Union[ResolveSourceGitRequest, _Mapping]] = ..., Image: _Optional[_Union[ResolveSourceImageRequest, _Mapping]] = ..., HTTP: _Optional[_Union[ResolveSourceHTTPRequest, _Mapping]] = ..., SourcePolicies: _Optional[_Iterable[_Union[_policy_pb2.Policy, _Mapping]]] = ...) -> None: ...

class ResolveSourceMetaResponse(_message.Message):
    __slots__ = ["Git", "HTTP", "Image", "Source"]
    GIT_FIELD_NUMBER: _ClassVar[int]
    Git: ResolveSourceGitResponse
    HTTP: ResolveSourceHTTPResponse
    HTTP_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    Image: ResolveSourceImageResponse
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    Source: _ops_pb2.SourceOp
    def __init__(self, Source: _Optional[_Union[_ops_pb2.SourceOp, _Mapping]] = ..., Image: _Optional[_Union[ResolveSourceImageResponse, _Mapping]] = ..., Git: _Optional[_Union[ResolveSourceGitResponse, _Mapping]] = ..., HTTP: _Optional[_Union[ResolveSourceHTTPResponse, _Mapping]] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ["attestations", "metadata", "ref", "refDeprecated", "refs", "refsDeprecated"]
    class AttestationsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Attestations
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Attestations, _Mapping]] = ...) -> None: ...
    class MetadataEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    REFDEPRECATED_FIELD_NUMBER: _ClassVar[int]
    REFSDEPRECATED_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    attestations: _containers.MessageMap[str, Attestations]
    metadata: _containers.ScalarMap[str, bytes]
    ref: Ref
    refDeprecated: str
    refs: RefMap
    refsDeprecated: RefMapDeprecated
    def __init__(self, refDeprecated: _Optional[str] = ..., refsDeprecated: _Optional[_Union[RefMapDeprecated, _Mapping]] = ..., ref: _Optional[_Union[Ref, _Mapping]] = ..., refs: _Optional[_Union[RefMap, _Mapping]] = ..., metadata: _Optional[_Mapping[str, bytes]] = ..., attestations: _Optional[_Mapping[str, Attestations]] = ...) -> None: ...

class ReturnRequest(_message.Message):
    __slots__ = ["error", "result"]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    error: _status_pb2.Status
    result: Result
    def __init__(self, result: _Optional[_Union[Result, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class ReturnResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class SignalMessage(_message.Message):
    __slots__ = ["Name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    Name: str
    def __init__(self, Name: _Optional[str] = ...) -> None: ...

class SolveRequest(_message.Message):
    __slots__ = ["CacheImports", "Definition", "Evaluate", "ExporterAttr", "Final", "Frontend", "FrontendInputs", "FrontendOpt", "SourcePolicies", "allowResultArrayRef", "allowResultReturn"]
    class FrontendInputsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _ops_pb2.Definition
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_ops_pb2.Definition, _Mapping]] = ...) -> None: ...
    class FrontendOptEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ALLOWRESULTARRAYREF_FIELD_NUMBER: _ClassVar[int]
    ALLOWRESULTRETURN_FIELD_NUMBER: _ClassVar[int]
    CACHEIMPORTS_FIELD_NUMBER: _ClassVar[int]
    CacheImports: _containers.RepeatedCompositeFieldContainer[CacheOptionsEntry]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    Definition: _ops_pb2.Definition
    EVALUATE_FIELD_NUMBER: _ClassVar[int]
    EXPORTERATTR_FIELD_NUMBER: _ClassVar[int]
    Evaluate: bool
    ExporterAttr: bytes
    FINAL_FIELD_NUMBER: _ClassVar[int]
    FRONTENDINPUTS_FIELD_NUMBER: _ClassVar[int]
    FRONTENDOPT_FIELD_NUMBER: _ClassVar[int]
    FRONTEND_FIELD_NUMBER: _ClassVar[int]
    Final: bool
    Frontend: str
    FrontendInputs: _containers.MessageMap[str, _ops_pb2.Definition]
    FrontendOpt: _containers.ScalarMap[str, str]
    SOURCEPOLICIES_FIELD_NUMBER: _ClassVar[int]
    SourcePolicies: _containers.RepeatedCompositeFieldContainer[_policy_pb2.Policy]
    allowResultArrayRef: bool
    allowResultReturn: bool
    def __init__(self, Definition: _Optional[_Union[_ops_pb2.Definition, _Mapping]] = ..., Frontend: _Optional[str] = ..., FrontendOpt: _Optional[_Mapping[str, str]] = ..., allowResultReturn: bool = ..., allowResultArrayRef: bool = ..., Final: bool = ..., ExporterAttr: _Optional[bytes] = ..., CacheImports: _Optional[_Iterable[_Union[CacheOptionsEntry, _Mapping]]] = ..., FrontendInputs: _Optional[_Mapping[str, _ops_pb2.Definition]] = ..., Evaluate: bool = ..., SourcePolicies: _Optional[_Iterable[_Union[_policy_pb2.Policy, _Mapping]]] = ...) -> None: ...

class SolveResponse(_message.Message):
    __slots__ = ["ref", "result"]
    REF_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ref: str
    result: Result
    def __init__(self, ref: _Optional[str] = ..., result: _Optional[_Union[Result, _Mapping]] = ...) -> None: ...

class StartedMessage(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class StatFileRequest(_message.Message):
    __slots__ = ["MountIndex", "Path", "Ref"]
    MOUNTINDEX_FIELD_NUMBER: _ClassVar[int]
    MountIndex: int
    PATH_FIELD_NUMBER: _ClassVar[int]
    Path: bytes
    REF_FIELD_NUMBER: _ClassVar[int]
    Ref: str
    def __init__(self, Ref: _Optional[str] = ..., Path: _Optional[bytes] = ..., MountIndex: _Optional[int] = ...) -> None: ...

class StatFileResponse(_message.Message):
    __slots__ = ["stat"]
    STAT_FIELD_NUMBER: _ClassVar[int]
    stat: _fsutil_pb2.Stat
    def __init__(self, stat: _Optional[_Union[_fsutil_pb2.Stat, _Mapping]] = ...) -> None: ...

class WarnRequest(_message.Message):
    __slots__ = ["detail", "digest", "info", "level", "ranges", "short", "url"]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    INFO_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    SHORT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    detail: _containers.RepeatedScalarFieldContainer[bytes]
    digest: str
    info: _ops_pb2.SourceInfo
    level: int
    ranges: _containers.RepeatedCompositeFieldContainer[_ops_pb2.Range]
    short: bytes
    url: str
    def __init__(self, digest: _Optional[str] = ..., level: _Optional[int] = ..., short: _Optional[bytes] = ..., detail: _Optional[_Iterable[bytes]] = ..., url: _Optional[str] = ..., info: _Optional[_Union[_ops_pb2.SourceInfo, _Mapping]] = ..., ranges: _Optional[_Iterable[_Union[_ops_pb2.Range, _Mapping]]] = ...) -> None: ...

class WarnResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class AttestationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class InTotoSubjectKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
