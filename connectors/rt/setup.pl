#!/usr/bin/perl
# Prepares a Request Tracker 5 for Ferry. Run it once on RT's host as a user who may read RT's configuration, and again
# whenever queues were added; it changes only what is missing or different, and prints what it did. The last line of its
# output is the service user's new access token, if one was asked for with --token.
#
#   perl setup.pl --queue Support --queue Escalations [--user gateway] [--email ferry@example.com] [--token]
#                 [--supplier-ref SupplierRef] [--remote-ref RemoteRef] [--new-mark] [--existing-user]
#                 [--supplier Northwind [--supplier Contoso] [--supplier-field Supplier]]
#                 [--webhook https://ferry.example.com/hooks/... [--secret-file FILE]] [--no-quiet] [--lib DIR]
use strict;
use warnings;
use Getopt::Long qw(GetOptionsFromArray);

my %opt;

BEGIN {
    %opt = (
        user           => 'gateway',
        email          => undef,
        queue          => [],
        quiet          => 1,
        'remote-ref'   => 'RemoteRef',
        'supplier-ref' => 'SupplierRef',
        supplier       => [],
        'supplier-field' => 'Supplier',
    );
    GetOptionsFromArray( \@ARGV, \%opt, 'user=s', 'email=s', 'queue=s@', 'token', 'remote-ref=s', 'supplier-ref=s',
        'webhook=s', 'secret-file=s', 'quiet!', 'new-mark', 'existing-user', 'supplier=s@', 'supplier-field=s', 'lib=s' )
        or die "usage: see the head of $0\n";
    my ($lib) = grep { defined && -e "$_/RT.pm" } $opt{lib}, '/usr/share/request-tracker5/lib', '/opt/rt5/lib';
    die "RT's library was not found; name its directory with --lib\n" unless $lib;
    unshift @INC, $lib unless grep { $_ eq $lib } @INC;
}

use RT ();
RT::Init() unless RT->DatabaseHandle && RT->DatabaseHandle->dbh;

my $system = RT->SystemUser;

sub said { print STDERR "ferry: $_[0]\n" }

sub must {
    my ( $what, $ok, $message ) = @_;
    die "ferry: $what: " . ( $message // 'failed' ) . "\n" unless $ok;
    return $ok;
}

my $user   = service_user( $opt{user}, $opt{email} );
my @queues = map { queue($_) } @{ $opt{queue} };
die "ferry: name at least one queue with --queue\n" unless @queues;
grant( $user, $_ ) for @queues;
# Definitions only: values are shown by what is granted for the record that has them.
grant_right( $user, RT->System, 'SeeCustomField' );
mark( custom_field( $opt{'remote-ref'}, 'The far ticket this one belongs to, as Ferry finds it again.', @queues ) );
custom_field( $opt{'supplier-ref'}, 'Number and address of the ticket at the supplier; written by Ferry.', @queues );
escalation_field( $opt{'supplier-field'}, @{ $opt{supplier} } ) if @{ $opt{supplier} };
quiet_scrip( $user->Name ) if $opt{quiet};
picture_scrip( $user->Name );
webhook_scrip( $user->Name, $opt{webhook}, defined $opt{'secret-file'} ? secret( $opt{'secret-file'} ) : '' )
    if $opt{webhook};
print token($user), "\n" if $opt{token};

sub service_user {
    my ( $name, $email ) = @_;
    my $found = RT::User->new($system);
    $found->Load($name);
    if ( !$found->id ) {
        must(
            "user $name",
            $found->Create(
                Name => $name, RealName => 'Ferry', Privileged => 1,
                defined $email ? ( EmailAddress => $email ) : (),
            )
        );
        said("made the user $name");
    }
    elsif ( ( $found->RealName // '' ) ne 'Ferry' && !$opt{'existing-user'} ) {
        my $who = $found->RealName || $found->EmailAddress || 'somebody';
        die "ferry: there is a user $name already ($who). Name another one with --user, or say --existing-user if it is"
            . " Ferry's: it gets rights, the time zone UTC, and mails nobody any more\n";
    }
    must( "user $name", $found->SetPrivileged(1) ) unless $found->Privileged;
    # RT reads the dates it is sent in the zone of the user who sends them, whatever zone they name.
    if ( ( $found->Timezone // '' ) ne 'UTC' ) {
        must( "time zone of $name", $found->SetTimezone('UTC') );
        said("set the time zone of $name to UTC");
    }
    return $found;
}

sub queue {
    my ($name) = @_;
    my $found = RT::Queue->new($system);
    $found->Load($name);
    die "ferry: there is no queue $name\n" unless $found->id;
    return $found;
}

# What the service user may do, in these queues and nowhere else. DeleteTicket is not among it on purpose.
sub grant {
    my ( $to, $in ) = @_;
    grant_right( $to, $in, $_ )
        for qw(SeeQueue ShowTicket ShowTicketComments ShowOutgoingEmail CreateTicket ReplyToTicket CommentOnTicket
        ModifyTicket ModifyCustomField SetInitialCustomField);
}

sub grant_right {
    my ( $to, $in, $right ) = @_;
    my $where = $in->isa('RT::System') ? 'everywhere' : 'in ' . $in->Name;
    return if $to->PrincipalObj->HasRight( Right => $right, Object => $in );
    must( "$right $where", $to->PrincipalObj->GrantRight( Right => $right, Object => $in ) );
    said("granted $right $where");
}

sub custom_field {
    my ( $name, $description, @to ) = @_;
    my $field = RT::CustomField->new($system);
    $field->LoadByName( Name => $name, LookupType => RT::Ticket->CustomFieldLookupType, IncludeGlobal => 1 );
    if ( !$field->id ) {
        must(
            "custom field $name",
            $field->Create(
                Name       => $name,                              Type        => 'FreeformSingle',
                LookupType => RT::Ticket->CustomFieldLookupType, Description => $description,
            )
        );
        said("made the custom field $name");
    }
    for my $in ( $field->IsGlobal ? () : @to ) {
        must( "$name in " . $in->Name, $field->AddToObject($in) ) unless $field->IsAdded( $in->id );
    }
    return $field;
}

# By which agents of the customer escalate: one value for each supplier.
sub escalation_field {
    my ( $name, @suppliers ) = @_;
    my $field = RT::CustomField->new($system);
    $field->LoadByName( Name => $name, LookupType => RT::Ticket->CustomFieldLookupType, IncludeGlobal => 1 );
    if ( !$field->id ) {
        must(
            "custom field $name",
            $field->Create(
                Name        => $name,                              Type  => 'SelectSingle',
                LookupType  => RT::Ticket->CustomFieldLookupType, Description => 'Whom a ticket is escalated to.',
            )
        );
        said("made the custom field $name");
    }
    die "ferry: the custom field $name is none of which one value is selected; name another with --supplier-field\n"
        unless $field->Type eq 'Select' && $field->SingleValue;
    my %known = map { lc $_->Name => 1 } @{ $field->Values->ItemsArrayRef };
    for my $supplier ( grep { !$known{ lc $_ } } @suppliers ) {
        must( "$name $supplier", $field->AddValue( Name => $supplier ) );
        said("added $supplier to the custom field $name");
    }
    for my $in ( $field->IsGlobal ? () : @queues ) {
        must( "$name in " . $in->Name, $field->AddToObject($in) ) unless $field->IsAdded( $in->id );
    }
}

# RT's REST does not say which RT it is, so this one gets a mark that no other has: Ferry refuses to write to another RT
# in its place. A copy of an RT has the same mark until it is given its own with --new-mark.
sub mark {
    my ($field) = @_;
    my $description = $field->Description // '';
    my $mark        = qr/\s*Ferry's mark of this RT: [0-9a-f]{32}\b\.?/;
    return if $description =~ $mark && !$opt{'new-mark'};
    $description =~ s/$mark//g;
    open my $random, '<:raw', '/dev/urandom' or die "ferry: no random numbers: $!\n";
    must( 'random numbers', read( $random, my $bytes, 16 ) == 16 );
    close $random;
    # RT keeps 255 characters.
    my $own = " Ferry's mark of this RT: " . unpack( 'H*', $bytes );
    must( 'mark of this RT', $field->SetDescription( substr( $description, 0, 255 - length $own ) . $own ) );
    said('marked this RT as one of its own');
}

# Every scrip that mails does so through RT::Action::SendEmail, which asks who must not get this mail. The first scrip
# of all adds one answer to that question, once per process: nobody gets mail about what the service user writes, or
# about what RT does by itself because of that, unless the message itself says that it may be mailed. So scrips that
# are added later are quiet too.
sub quiet_scrip {
    my ($name) = @_;
    my $code = q{
        my $creator = $self->TransactionObj->CreatorObj->Name // '';
        # What RT does by itself follows, in the same process, on what somebody did.
        $RT::Ferry::Ours = lc $creator eq lc '__NAME__' unless $creator eq 'RT_System';
        unless ( $RT::Ferry::Quiet++ ) {
            require RT::Action::SendEmail;
            my $original = RT::Action::SendEmail->can('RemoveInappropriateRecipients');
            no warnings 'redefine';
            *RT::Action::SendEmail::RemoveInappropriateRecipients = sub {
                my $mail = shift;
                if ($RT::Ferry::Ours) {
                    my $may   = 0;
                    my $parts = $mail->TransactionObj->Attachments;
                    while ( my $part = $parts->Next ) {
                        $may = 1 if ( $part->GetHeader('Content-Type') // '' ) =~ /;\s*ferry-mails="?1"?/;
                    }
                    $mail->RecipientFilter(
                        Callback => sub { "$_[0] gets no mail about what Ferry writes. Skipping" },
                        All      => 1,
                    ) unless $may;
                }
                return $original->( $mail, @_ );
            };
        }
        return 0;
    };
    $code =~ s/__NAME__/$name =~ s{([\\'])}{\\$1}gr/e;
    scrip(
        Description       => 'Ferry: quiet writes',
        Stage             => 'TransactionCreate',
        CustomPrepareCode => $code,
        CustomCommitCode  => 'return 1;',
        first             => 1,
    );
}

# REST2 can attach a picture, but not say where in the text it belongs: the scrip puts the name that Ferry sends along
# where RT looks for it, so that the picture shows in its place.
sub picture_scrip {
    my ($name) = @_;
    my $code = q{
        my $transaction = $self->TransactionObj;
        return 0 unless lc( $transaction->CreatorObj->Name // '' ) eq lc '__NAME__';
        my ( @pictures, $message );
        my $parts = $transaction->Attachments;
        while ( my $part = $parts->Next ) {
            $message ||= $part if !$part->Parent && $part->ContentType eq 'multipart/mixed';
            my ($id) = ( $part->GetHeader('Content-Type') // '' ) =~ /;\s*ferry-cid="?([0-9a-z-]+)"?/;
            push @pictures, [ $part, $id ] if $id;
        }
        return 0 unless $message && @pictures;
        $_->[0]->SetHeader( 'Content-ID' => "<$_->[1]>" ) for @pictures;
        $message->__Set( Field => 'ContentType', Value => 'multipart/related' );
        return 0;
    };
    $code =~ s/__NAME__/$name =~ s{([\\'])}{\\$1}gr/e;
    scrip(
        Description       => 'Ferry: pictures in their place',
        Stage             => 'TransactionCreate',
        CustomPrepareCode => $code,
        CustomCommitCode  => 'return 1;',
        first             => 1,
    );
}

# Names the ticket, nothing else; Ferry reads it. RT never waits longer than two seconds and never fails because of it.
# Skip what Ferry wrote, which it has already read back, and RT's own changes, which follow a person's reported change.
sub webhook_scrip {
    my ( $name, $url, $secret ) = @_;
    my $prepare = q{
        my $creator = lc( $self->TransactionObj->CreatorObj->Name // '' );
        return $creator ne lc '__NAME__' && $creator ne 'rt_system';
    };
    $prepare =~ s/__NAME__/$name =~ s{([\\'])}{\\$1}gr/e;
    my $code = q{
        require LWP::UserAgent;
        require Digest::SHA;
        # Of a ticket that was just merged, the ticket object is the survivor already.
        my $ticket = $self->TransactionObj->ObjectId;
        my $body = sprintf '{"ticket":%d,"transaction":%d}', $ticket, $self->TransactionObj->id;
        my $time = time;
        my $reply = LWP::UserAgent->new( timeout => 2 )->post(
            '__URL__',
            'Content-Type'      => 'application/json',
            length '__SECRET__'
            ? ( 'X-Ferry-Timestamp' => $time,
                'X-Ferry-Signature' => Digest::SHA::hmac_sha256_hex( "$time.$body", '__SECRET__' ) )
            : (),
            Content => $body,
        );
        RT->Logger->warning( "Ferry did not get the webhook for ticket $ticket: " . $reply->status_line )
            unless $reply->is_success;
        return 1;
    };
    $code =~ s/__URL__/$url =~ s{([\\'])}{\\$1}gr/e;
    $code =~ s/__SECRET__/$secret =~ s{([\\'])}{\\$1}gr/ge;
    scrip(
        Description       => 'Ferry: webhook',
        Stage             => 'TransactionBatch',
        CustomPrepareCode => $prepare,
        CustomCommitCode  => $code,
    );
}

sub scrip {
    my (%wish) = @_;
    my $first = delete $wish{first};
    my $found = RT::Scrip->new($system);
    $found->LoadByCols( Description => $wish{Description} );
    if ( $found->id ) {
        for my $code (qw(CustomPrepareCode CustomCommitCode)) {
            next if ( $found->$code // '' ) eq $wish{$code};
            my $set = "Set$code";
            must( $wish{Description}, $found->$set( $wish{$code} ) );
            said("changed the scrip '$wish{Description}'");
        }
    }
    else {
        must(
            $wish{Description},
            $found->Create(
                %wish, Queue => 0, ScripCondition => 'On Transaction', ScripAction => 'User Defined',
                Template => 'Blank',
            )
        );
        said("made the scrip '$wish{Description}'");
    }
    put_first($found) if $first;
}

# Scrips run in order of this number, which global ones and those of a queue share. Ferry's own stand before all others.
sub put_first {
    my ($scrip) = @_;
    my $ours = RT::Scrips->new($system);
    $ours->Limit( FIELD => 'Description', OPERATOR => 'STARTSWITH', VALUE => 'Ferry:' );
    my $places = RT::ObjectScrips->new($system);
    $places->Limit( FIELD => 'Scrip', OPERATOR => '!=', VALUE => $_->id, ENTRYAGGREGATOR => 'AND' )
        for @{ $ours->ItemsArrayRef };
    $places->OrderBy( FIELD => 'SortOrder', ORDER => 'ASC' );
    my $top = $places->First or return;
    my $place = RT::ObjectScrip->new($system);
    $place->LoadByCols( Scrip => $scrip->id, ObjectId => 0 );
    return if $place->SortOrder < $top->SortOrder;
    must( $scrip->Description, $place->SetSortOrder( $top->SortOrder - 1 ) );
}

sub secret {
    my ($file) = @_;
    open my $in, '<', $file or die "ferry: $file: $!\n";
    my $line = <$in>;
    chomp $line;
    return $line;
}

# Tokens can't be made over REST, and not read again: RT keeps only a hash.
sub token {
    my ($owner) = @_;
    my ( $id, $message, $text ) = RT::AuthToken->new($system)->Create( Owner => $owner->id, Description => 'Ferry' );
    must( 'token', $id, $message );
    return $text;
}

1;
