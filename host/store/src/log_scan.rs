//! Finds damage in a write-ahead log before SQLite reads it. SQLite ignores everything after the first invalid frame
//! without an error, because the log of a killed process also ends in the middle of a frame. The format is described in
//! <https://www.sqlite.org/fileformat2.html#walformat>.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read},
    path::Path,
};

use super::wal;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The transactions that are lost because the log is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LostTransactions {
    Counted(u64),
    /// The header is invalid, so SQLite ignores the whole log.
    All,
}

/// Returns the transactions that damage to a database's log has made unreadable, or `None` if the log is intact or
/// missing.
pub(super) fn scan(database: &Path) -> io::Result<Option<LostTransactions>> {
    let mut log = match File::open(wal::log_path(database)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => BufReader::new(opened?),
    };
    let mut header = [0; HEADER];
    if !fill(&mut log, &mut header)? {
        return Ok(None);
    }
    let Some(mut checksum) = Checksum::of_header(&header) else { return Ok(Some(LostTransactions::All)) };
    let mut frame = vec![0; FRAME_HEADER + page_size(&header)];
    let (mut is_intact, mut invalid, mut commits) = (true, 0, 0);
    while fill(&mut log, &mut frame)? {
        // A frame with another salt is older than the last reset of the log, or its header is damaged.
        if frame[8..16] != header[16..24] {
            is_intact = false;
            continue;
        }
        is_intact = is_intact && checksum.accepts(&frame);
        if !is_intact {
            invalid += 1;
            commits += u64::from(read_u32_be(&frame, 4) != 0);
        }
    }
    // A process that is killed leaves at most one incomplete frame, which belongs to a transaction that never ended. More
    // invalid frames mean that the disk is damaged, or that the power failed before the last frames were synced.
    Ok((invalid > 1 && commits > 0).then_some(LostTransactions::Counted(commits)))
}

/// Fills the buffer. Returns false if the file ends first.
fn fill(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

fn page_size(header: &[u8]) -> usize {
    read_u32_be(header, 8) as usize
}

/// Reads a big-endian number.
fn read_u32_be(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The running checksum of the header and all frames up to the current one.
struct Checksum {
    /// Converts four bytes of data to a number, in the byte order of the processor that created the log.
    read_word: fn([u8; 4]) -> u32,
    sums: [u32; 2],
}

impl Checksum {
    /// Returns the checksum of the header, or `None` if the header is invalid.
    fn of_header(header: &[u8; HEADER]) -> Option<Self> {
        let read_word = match read_u32_be(header, 0) {
            0x377f_0682 => u32::from_le_bytes,
            0x377f_0683 => u32::from_be_bytes,
            _ => return None,
        };
        let mut checksum = Self { read_word, sums: [0, 0] };
        checksum.add(&header[..24]);
        let is_page_size = page_size(header).is_power_of_two() && (512..=65_536).contains(&page_size(header));
        (checksum.is_stored_in(&header[24..]) && is_page_size).then_some(checksum)
    }

    /// Adds a frame, and returns whether the checksum in the frame is correct.
    fn accepts(&mut self, frame: &[u8]) -> bool {
        self.add(&frame[..8]);
        self.add(&frame[FRAME_HEADER..]);
        self.is_stored_in(&frame[16..FRAME_HEADER])
    }

    fn is_stored_in(&self, bytes: &[u8]) -> bool {
        self.sums == [read_u32_be(bytes, 0), read_u32_be(bytes, 4)]
    }

    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks_exact(8) {
            let words = [0, 4].map(|at| (self.read_word)([pair[at], pair[at + 1], pair[at + 2], pair[at + 3]]));
            self.sums[0] = self.sums[0].wrapping_add(words[0]).wrapping_add(self.sums[1]);
            self.sums[1] = self.sums[1].wrapping_add(words[1]).wrapping_add(self.sums[0]);
        }
    }
}
