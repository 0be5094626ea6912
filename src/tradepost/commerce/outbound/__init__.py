"""The way out of the shop: mail, SMS, carriers, the payment provider. Fed by the outbox alone, so that a preview sends
nothing and what was committed is sent even after a crash."""
