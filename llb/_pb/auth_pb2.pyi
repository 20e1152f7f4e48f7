from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialsRequest(_message.Message):
    __slots__ = ["Host"]
    HOST_FIELD_NUMBER: _ClassVar[int]
    Host: str
    def __init__(self, Host: _Optional[str] = ...) -> None: ...

class CredentialsResponse(_message.Message):
    __slots__ = ["Secret", "Username"]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    Secret: str
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    Username: str
    def __init__(self, Username: _Optional[str] = ..., Secret: _Optional[str] = ...) -> None: ...

class FetchTokenRequest(_message.Message):
    __slots__ = ["ClientID", "Host", "Realm", "Scopes", "Service"]
    CLIENTID_FIELD_NUMBER: _ClassVar[int]
    ClientID: str
    HOST_FIELD_NUMBER: _ClassVar[int]
    Host: str
    REALM_FIELD_NUMBER: _ClassVar[int]
    Realm: str
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    Scopes: _containers.RepeatedScalarFieldContainer[str]
    Service: str
    def __init__(self, ClientID: _Optional[str] = ..., Host: _Optional[str] = ..., Realm: _Optional[str] = ..., Service: _Optional[str] = ..., Scopes: _Optional[_Iterable[str]] = ...) -> None: ...

class FetchTokenResponse(_message.Message):
    __slots__ = ["ExpiresIn", "IssuedAt", "Token"]
    EXPIRESIN_FIELD_NUMBER: _ClassVar[int]
    ExpiresIn: int
    ISSUEDAT_FIELD_NUMBER: _ClassVar[int]
    IssuedAt: int
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    Token: str
    def __init__(self, Token: _Optional[str] = ..., ExpiresIn: _Optional[int] = ..., IssuedAt: _Optional[int] = ...) -> None: ...

class GetTokenAuthorityRequest(_message.Message):
    __slots__ = ["Host", "Salt"]
    HOST_FIELD_NUMBER: _ClassVar[int]
    Host: str
    SALT_FIELD_NUMBER: _ClassVar[int]
    Salt: bytes
    def __init__(self, Host: _Optional[str] = ..., Salt: _Optional[bytes] = ...) -> None: ...

class GetTokenAuthorityResponse(_message.Message):
    __slots__ = ["PublicKey"]
    PUBLICKEY_FIELD_NUMBER: _ClassVar[int]
    PublicKey: bytes
    def __init__(self, PublicKey: _Optional[bytes] = ...) -> None: ...

class VerifyTokenAuthorityRequest(_message.Message):
    __slots__ = ["Host", "Payload", "Salt"]
    HOST_FIELD_NUMBER: _ClassVar[int]
    Host: str
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    Payload: bytes
    SALT_FIELD_NUMBER: _ClassVar[int]
    Salt: bytes
    def __init__(self, Host: _Optional[str] = ..., Payload: _Optional[bytes] = ..., Salt: _Optional[bytes] = ...) -> None: ...

class VerifyTokenAuthorityResponse(_message.Message):
    __slots__ = ["Signed"]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    Signed: bytes
    def __init__(self, Signed: _Optional[bytes] = ...) -> None: ...
