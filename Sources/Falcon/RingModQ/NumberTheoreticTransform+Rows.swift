extension NumberTheoreticTransform {
    /// Eight vectors, the 8 x 8 matrix that the levels at distances 4, 2 and 1 work on.
    struct Rows {
        private var r0, r1, r2, r3, r4, r5, r6, r7: Lanes

        @inline(__always)
        init(_ group: LaneView) {
            (r0, r1, r2, r3) = (group[0], group[1], group[2], group[3])
            (r4, r5, r6, r7) = (group[4], group[5], group[6], group[7])
        }

        @inline(__always)
        func store(to group: LaneView) {
            (group[0], group[1], group[2], group[3]) = (r0, r1, r2, r3)
            (group[4], group[5], group[6], group[7]) = (r4, r5, r6, r7)
        }

        // MARK: Transposition

        /// The first four lanes of `a` and `b`, alternating.
        @inline(__always)
        private static func zipLow(_ a: Lanes, _ b: Lanes) -> Lanes {
            Lanes(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3])
        }

        /// The last four lanes of `a` and `b`, alternating.
        @inline(__always)
        private static func zipHigh(_ a: Lanes, _ b: Lanes) -> Lanes {
            Lanes(a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7])
        }

        /// Zipping rows i and i + 4 rotates the six bits of an element's index (row, lane) by one;
        /// three times that exchanges row and lane.
        @inline(__always)
        mutating func transpose() {
            for _ in 0..<3 {
                let (a0, a1, a2, a3) = (r0, r1, r2, r3)
                (r0, r1) = (Self.zipLow(a0, r4), Self.zipHigh(a0, r4))
                (r2, r3) = (Self.zipLow(a1, r5), Self.zipHigh(a1, r5))
                (r4, r5, r6, r7) = (
                    Self.zipLow(a2, r6), Self.zipHigh(a2, r6),
                    Self.zipLow(a3, r7), Self.zipHigh(a3, r7)
                )
            }
        }

        // MARK: Butterflies

        @inline(__always)
        private static func forward(
            _ u: inout Lanes, _ v: inout Lanes, _ twiddle: UnsafePointer<Lanes>
        ) {
            let t = ModQ.multiply(v, twiddle[0], twiddle[1])
            (u, v) = (u &+ t, u &- t)
        }

        @inline(__always)
        private static func inverse(
            _ u: inout Lanes, _ v: inout Lanes, _ twiddle: UnsafePointer<Lanes>
        ) {
            (u, v) = (u &+ v, ModQ.multiply(u &- v, twiddle[0], twiddle[1]))
        }

        /// One twiddle factor for all pairs.
        @inline(__always)
        mutating func forward(distance4 twiddle: UnsafePointer<Lanes>, reducing: Bool) {
            if reducing {
                (r0, r1) = (ModQ.centred(r0), ModQ.centred(r1))
                (r2, r3) = (ModQ.centred(r2), ModQ.centred(r3))
            }
            Self.forward(&r0, &r4, twiddle)
            Self.forward(&r1, &r5, twiddle)
            Self.forward(&r2, &r6, twiddle)
            Self.forward(&r3, &r7, twiddle)
        }

        /// Two twiddle factors, one for each half.
        @inline(__always)
        mutating func forward(distance2 twiddle: UnsafePointer<Lanes>) {
            Self.forward(&r0, &r2, twiddle)
            Self.forward(&r1, &r3, twiddle)
            Self.forward(&r4, &r6, twiddle + 2)
            Self.forward(&r5, &r7, twiddle + 2)
        }

        /// Four twiddle factors, one for each pair.
        @inline(__always)
        mutating func forward(distance1 twiddle: UnsafePointer<Lanes>, reducing: Bool) {
            if reducing {
                (r0, r2) = (ModQ.centred(r0), ModQ.centred(r2))
                (r4, r6) = (ModQ.centred(r4), ModQ.centred(r6))
            }
            Self.forward(&r0, &r1, twiddle)
            Self.forward(&r2, &r3, twiddle + 2)
            Self.forward(&r4, &r5, twiddle + 4)
            Self.forward(&r6, &r7, twiddle + 6)
        }

        @inline(__always)
        mutating func inverse(distance1 twiddle: UnsafePointer<Lanes>) {
            Self.inverse(&r0, &r1, twiddle)
            Self.inverse(&r2, &r3, twiddle + 2)
            Self.inverse(&r4, &r5, twiddle + 4)
            Self.inverse(&r6, &r7, twiddle + 6)
            (r0, r2) = (ModQ.centred(r0), ModQ.centred(r2))
            (r4, r6) = (ModQ.centred(r4), ModQ.centred(r6))
        }

        @inline(__always)
        mutating func inverse(distance2 twiddle: UnsafePointer<Lanes>) {
            Self.inverse(&r0, &r2, twiddle)
            Self.inverse(&r1, &r3, twiddle)
            Self.inverse(&r4, &r6, twiddle + 2)
            Self.inverse(&r5, &r7, twiddle + 2)
        }

        @inline(__always)
        mutating func inverse(distance4 twiddle: UnsafePointer<Lanes>) {
            Self.inverse(&r0, &r4, twiddle)
            Self.inverse(&r1, &r5, twiddle)
            Self.inverse(&r2, &r6, twiddle)
            Self.inverse(&r3, &r7, twiddle)
            (r0, r1) = (ModQ.centred(r0), ModQ.centred(r1))
            (r2, r3) = (ModQ.centred(r2), ModQ.centred(r3))
        }
    }
}
