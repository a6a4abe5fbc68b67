//! Actions that exhaust resources, one action per kind of resource.

use std::hint::black_box;

use cordboard_plugin::{log, state};
use wasip2::{
    clocks::monotonic_clock,
    http::types::{Fields, OutgoingRequest},
    random::random::get_random_bytes,
};

/// Tries to allocate the whole 32-bit address space in chunks, and reports how much it got.
pub fn address_space(_: &[String]) -> Result<String, String> {
    const PIECE: usize = 64 << 20;
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    for pieces in 0..64 {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(PIECE).is_err() {
            return Ok(format!("{} MiB", pieces * (PIECE >> 20)));
        }
        hoard.push(black_box(piece));
    }
    Ok("4 GiB".to_owned())
}

pub fn memory(_: &[String]) -> Result<String, String> {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    while black_box(true) {
        hoard.push(vec![1; 1 << 20]);
    }
    Ok(format!("{} MiB", hoard.len()))
}

pub fn reply(_: &[String]) -> Result<String, String> {
    Ok("x".repeat(100 << 20))
}

pub fn state(_: &[String]) -> Result<String, String> {
    let piece = vec![1; 1 << 20];
    for number in 0..10_000 {
        if let Err(why) = state::set(&format!("piece {number}"), &piece) {
            return Ok(format!("{number} MiB: {why}"));
        }
    }
    Ok("10 GB".to_owned())
}

pub fn handles(_: &[String]) -> Result<String, String> {
    let handles: Vec<_> = (0..1_000_000).map(|_| monotonic_clock::subscribe_duration(1)).collect();
    Ok(format!("{} handles", handles.len()))
}

/// Writes request bodies that are never sent.
pub fn bodies(_: &[String]) -> Result<String, String> {
    let mut open = Vec::new();
    let mut bytes = 0;
    loop {
        let request = OutgoingRequest::new(Fields::new());
        let body = request.body().map_err(|()| "no body")?;
        let stream = body.write().map_err(|()| "no stream")?;
        while let Ok(room @ 1..) = stream.check_write() {
            let piece = usize::try_from(room).unwrap_or(1);
            if stream.write(&vec![0; piece]).is_err() {
                break;
            }
            bytes += piece;
        }
        open.push((stream, body, request));
        if open.len() > 1_000_000 {
            return Ok(format!("{bytes} bytes"));
        }
    }
}

/// Calls the host with an argument that exceeds the host's limit.
pub fn argument(_: &[String]) -> Result<String, String> {
    log::info(&"x".repeat(5 << 20));
    Ok("logged".to_owned())
}

pub fn randomness(_: &[String]) -> Result<String, String> {
    Ok(format!("{} bytes", get_random_bytes(100_000_000).len()))
}

pub fn fields(_: &[String]) -> Result<String, String> {
    let (fields, value) = (Fields::new(), [b'x'; 1000]);
    for number in 0..1000 {
        fields.append(&format!("x-{number}"), &value).map_err(|error| error.to_string())?;
    }
    Ok("1000 fields".to_owned())
}

#[expect(unconditional_recursion, reason = "the host must stop the recursion")]
pub fn stack(args: &[String]) -> Result<String, String> {
    let more: Vec<String> = black_box(args.to_vec());
    let deeper = stack(&more);
    black_box(&more);
    deeper
}
