// Package fhirserver is the EHR's FHIR R4 endpoint, as a client: read, look up
// through a cache, find patients by phone number, fetch documents and consents, create
// once, and patch if nothing newer is there (https://hl7.org/fhir/R4/http.html).
//
// It is for talking to the server and telling what its answers mean. It is not for
// retrying, queueing or keeping anything: the lanes do that. It does not read
// resources beyond what it needs to name them.
//
// What it promises:
//
//   - Every failure is a *pipeline.Error that says what to do about it. Its text
//     holds no URL, no word of an answer and no word of ours: of an
//     OperationOutcome only severity, code and expression are looked at.
//   - What we send and who we are goes to the configured server alone: no redirect,
//     no link and no address of a document to another host is followed. What is signed for
//     a token goes to the token endpoint alone, which the configuration names or the server over TLS.
//   - A token is asked for by one call at a time, used until shortly before its end, and dropped once when
//     the server does not take it. Keys and certificates are read again when their files change; those that
//     cannot be used leave those before in place.
//   - Create is safe to repeat, one call per identifier at a time. A conditional create is no lock,
//     so the server is searched before it is asked to create whenever an earlier attempt
//     of this process had no clear outcome, and also whenever the server has not
//     declared that it creates conditionally. What an earlier process
//     left unclear is covered by either: by the server's own condition, or by the search.
//     A server that can do neither is asked once, and after an unclear outcome no more.
//   - CreateAll puts several creations into one batch, where the server declares that it takes batches and creates
//     conditionally. Each entry's own status says what has come of it. What an answer leaves unclear, be it of one entry or of
//     all, is searched for before it is asked for again, by itself. A server that refuses a batch is not sent another.
//   - When the server asks to wait (Retry-After), nobody calls it before that time.
//   - Answers are bounded: 16 MB for resources, what the caller says for documents, 64 KB for errors, a timeout for each request.
//   - A Client is safe for concurrent use.
package fhirserver
