// Package journey says what patients are told, when, and what their answers
// mean. It implements pipeline.Journeys over files: a journey is one YAML file,
// and so is each WhatsApp template with its languages (docs/journeys.md).
//
// It is for: reading and checking those files with all problems at once (Load),
// planning (Book.Decide) and saying why a step is not planned (Book.Explain),
// putting into words (Book.Compose), understanding replies (Book.Understand),
// and running the examples that are written inside the files (Book.RunExamples).
//
// It is not for: sending, keeping, choosing phone numbers, or anything that
// needs a clock, a disk or a network. Whoever calls it says what time it is.
//
// What it promises:
//
//   - The same input gives the same output; a Book never changes after Load and
//     is safe for concurrent use.
//   - A plan follows from the newest version alone, but for the news of a change:
//     replays, duplicates and reorderings lead to the same reminders.
//   - Nothing is planned that is due at or after it expires. Nothing is planned
//     about the past.
//   - Days are counted in the calendar of the place of the visit and hours on the
//     instant, never in the server's zone.
//   - Words are made from the newest facts. A fact that is missing skips the
//     message; it never leaves a gap in it. A template shows no more than the
//     classes of data that it declares, and there is no field for a result.
//   - A reply decides something only if it can mean one thing. Everything else is
//     handed to people.
package journey
