//! Finds the known word that is most similar to an unknown one.

/// Returns the candidate that is most similar to `word`, or `None` if no candidate is similar enough.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    let near = |candidate: &str| {
        let plain = candidate.to_lowercase().replace('-', "_");
        let distance = strsim::osa_distance(&word, &plain);
        let is_prefix = word.len() >= 3 && plain.starts_with(&word) || plain.len() >= 3 && word.starts_with(&plain);
        let max_distance = (word.chars().count().max(plain.chars().count()) / 3).max(1);
        (distance <= max_distance || is_prefix).then_some(distance)
    };
    // A very long word is not a typo, and its distance is expensive to compute.
    let candidates = candidates.into_iter().filter(|_| word.len() <= 100);
    candidates.filter_map(|c| near(c).map(|distance| (distance, c))).min().map(|(_, candidate)| candidate)
}

/// Returns `; did you mean 'x'?`, or an empty string.
pub(super) fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean '{near}'?"))
}
