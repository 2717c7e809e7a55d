"""Cases: apply, determine, sign, post, object, accept, sample, pay. The one place where policy, process, money and
audit meet."""
