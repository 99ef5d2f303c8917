import ZeroPool

@testable import PooledEcho

extension SimulatedRing: FileRing {
    private func begin(_ number: ConnectionNumber, _ text: StaticString) -> (SimulatedConnection, SimulatedFiles)? {
        guard let connection = connection(number, text), let files else { return nil }
        require(!connection.ledger.isFileBusy, "one operation on a file at a time", connection)
        require(!connection.ledger.isIdentifying, "nothing else while a connection is identified", connection)
        connection.ledger.isFileBusy = true
        return (connection, files)
    }

    func takeBlock(_ byteCount: Int) -> PooledBuffer? {
        if let files, kernel.strikes(files.faults.blockShortage) { return nil }
        return kernel.pool.tryGet(byteCount)
    }

    func open(_ path: RawSpan, past pastCache: Bool, for number: ConnectionNumber) {
        guard let (connection, files) = begin(number, "open") else { return }
        let path = path.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let operation = kernel.newOperation()
        kernel.noted.append(.file { files.open(path, past: pastCache, for: connection, operation: operation) })
    }

    func isResident(_ file: Int32, _ range: Range<Int>) -> Bool { kernel.strikes(0.5) }

    func list(_ path: RawSpan, as format: ListingFormat, for number: ConnectionNumber) {
        guard let (connection, files) = begin(number, "list") else { return }
        let path = path.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let operation = kernel.newOperation()
        kernel.noted.append(.file { files.list(path, for: connection, operation: operation) })
    }

    func read(
        into lease: consuming PooledBuffer, byteCount: Int, from file: Int32, offset: Int, for number: ConnectionNumber
    ) {
        let room = lease.capacity - lease.count
        let box = LeaseBox(lease)
        kernel.readingLeaseCount += 1
        guard let (connection, files) = begin(number, "read") else { return }
        require(byteCount > 0 && byteCount <= room, "a read is of bytes that the block has room for", connection)
        let operation = kernel.newOperation()
        kernel.noted.append(
            .file {
                files.read(
                    box, byteCount: byteCount, from: file, offset: offset, for: connection, operation: operation)
            })
    }

    func check(_ file: Int32, for number: ConnectionNumber) {
        guard let (connection, files) = begin(number, "check") else { return }
        let operation = kernel.newOperation()
        kernel.noted.append(.file { files.check(file, for: connection, operation: operation) })
    }

    func closeFile(_ file: Int32) {
        note("a file is closed", SimulationTrace.none, Int(file))
        kernel.noted.append(.file { [files] in files?.close(file) })
    }

    /// A day of 2001.
    var wallClockSeconds: Int { 1_000_000_000 + kernel.now / 1_000_000 }
}
