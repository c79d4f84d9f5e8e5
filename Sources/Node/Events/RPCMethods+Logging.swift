internal import RPC

extension RPCMethods {
    /// `system_addLogFilter` and `system_resetLogFilter`: the log levels, while the node runs.
    mutating func addLogging(_ control: LogControl) {
        add("system_addLogFilter", access: .operatorOnly) { (parameters) throws(RPCError) in
            let text = try parameters.text(0, "directives")
            guard text.utf8.count <= 1_024 else {
                throw .invalidParameters("directives has more than 1024 bytes")
            }
            do throws(LogFilter.Invalid) {
                try control.add(text)
            } catch {
                throw .invalidParameters(error.description)
            }
            return .null
        }
        add("system_resetLogFilter", access: .operatorOnly) { (_) throws(RPCError) in
            control.reset()
            return .null
        }
    }
}
