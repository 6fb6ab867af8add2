//! The error codes and messages of each service for the failures that all services have.

/// An error as a service reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceError {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) status: u16,
}

type Words = (&'static str, u16, &'static str);

struct Service {
    /// In a request's signature.
    name: &'static str,
    throttled: Words,
    failed: Words,
    denied: Words,
}

/// Sources: for EC2 "Error codes for the Amazon EC2 API", for S3 "Error responses" in its API reference ("List of error
/// codes"), for all others "Common errors" and the exceptions of the operations in the service's API reference, with the
/// HTTP statuses of its Smithy model. For SNS, `ThrottlingException` is what "How do I resolve throttling errors in Amazon
/// SNS" in AWS's Knowledge Center shows. IAM and STS, older than that name, answer `Throttling`.
const SERVICES: &[Service] = &[
    Service {
        name: "athena",
        throttled: ("TooManyRequestsException", 400, "Rate exceeded"),
        failed: ("InternalServerException", 500, "Internal service error"),
        denied: ("AccessDeniedException", 400, NOT_AUTHORIZED),
    },
    Service {
        name: "ec2",
        throttled: ("RequestLimitExceeded", 503, "Request limit exceeded."),
        failed: ("InternalError", 500, "An internal error has occurred"),
        denied: ("UnauthorizedOperation", 403, "You are not authorized to perform this operation."),
    },
    Service {
        name: "events",
        throttled: ("ThrottlingException", 400, "Rate exceeded"),
        failed: ("InternalException", 500, "This exception occurs due to unexpected causes."),
        denied: ("AccessDeniedException", 400, NOT_AUTHORIZED),
    },
    Service {
        name: "glue",
        throttled: ("ThrottlingException", 400, "Rate exceeded"),
        failed: ("InternalServiceException", 500, "Internal service failure"),
        denied: ("AccessDeniedException", 400, NOT_AUTHORIZED),
    },
    Service {
        name: "iam",
        throttled: ("Throttling", 400, "Rate exceeded"),
        failed: ("ServiceFailure", 500, "The service failed to process the request"),
        denied: ("AccessDenied", 403, NOT_AUTHORIZED),
    },
    Service {
        name: "lambda",
        throttled: ("TooManyRequestsException", 429, "Rate exceeded"),
        failed: ("ServiceException", 500, "An error occurred and the request cannot be processed."),
        denied: ("AccessDeniedException", 403, NOT_AUTHORIZED),
    },
    Service {
        name: "logs",
        throttled: ("ThrottlingException", 400, "Rate exceeded"),
        failed: ("ServiceUnavailableException", 500, "The service cannot complete the request."),
        denied: ("AccessDeniedException", 400, NOT_AUTHORIZED),
    },
    Service {
        name: "monitoring",
        throttled: ("ThrottlingException", 400, "Rate exceeded"),
        failed: ("InternalServiceError", 500, "Request processing has failed due to some unknown error"),
        denied: ("AccessDenied", 403, NOT_AUTHORIZED),
    },
    Service {
        name: "oam",
        throttled: ("ThrottlingException", 400, "Rate exceeded"),
        failed: ("InternalServiceFault", 500, "Unexpected error while processing the request. Retry the request."),
        denied: ("AccessDeniedException", 400, NOT_AUTHORIZED),
    },
    Service {
        name: "s3",
        throttled: ("SlowDown", 503, "Please reduce your request rate."),
        failed: ("InternalError", 500, "We encountered an internal error. Please try again."),
        denied: ("AccessDenied", 403, NOT_AUTHORIZED),
    },
    Service {
        name: "sns",
        throttled: ("ThrottlingException", 400, "Rate exceeded"),
        failed: ("InternalError", 500, "The request processing has failed because of an unknown error."),
        denied: ("AuthorizationError", 403, NOT_AUTHORIZED),
    },
    Service {
        name: "sts",
        throttled: ("Throttling", 400, "Rate exceeded"),
        failed: ("InternalFailure", 500, "The request processing has failed because of an unknown error."),
        denied: ("AccessDenied", 403, NOT_AUTHORIZED),
    },
];

const NOT_AUTHORIZED: &str = "The caller is not authorized to perform this operation";

fn find(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

/// True if the proxy knows the service's errors, so that no call gets those of another one.
pub(super) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

pub(super) fn throttled(service: &str) -> ServiceError {
    reported(find(service).map(|service| service.throttled))
}

pub(super) fn failed(service: &str) -> ServiceError {
    reported(find(service).map(|service| service.failed))
}

pub(super) fn denied(service: &str) -> ServiceError {
    reported(find(service).map(|service| service.denied))
}

fn reported(words: Option<Words>) -> ServiceError {
    let (code, status, message) = words.unwrap_or(("UnknownService", 501, "the fault proxy does not know the service"));
    ServiceError { code: code.to_owned(), message: message.to_owned(), status }
}
