//! Simulated boards: the chip model (pure: bytes and a clock's time in, bytes out) and the bench that
//! puts boards on ptys, on RFC2217 ports and on in-memory ports.
