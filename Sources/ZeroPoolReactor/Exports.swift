// What the public API names, so that a handler's file needs one import.
@_exported public import enum SystemSupport.AddressError
@_exported public import struct SystemSupport.SocketAddress
@_exported public import struct ZeroPoolURing.FileStatus
