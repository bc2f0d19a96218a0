GRANT SELECT ON reservations TO observer;
