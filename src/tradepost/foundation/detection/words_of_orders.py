"""What it is that a reader is told about its orders: drop them, have new ones, tell them."""

from collections.abc import Mapping

ORDERS: Mapping[str, str] = {
    "ignore": """
        ignor* disregard* forget overrid* overrul* bypass* circumvent* discard* pay_no_attention do_not_follow
        stop_following do_not_obey do_not_listen ignorier* vergiss vergesst missacht* umgeh* ueberschreib*
        uberschreib* befolge_nicht oubli* contourn* ne_tiens_pas_compte ne_tenez_pas_compte ne_suis_pas
        passe_outre olvid* desobede* haz_caso_omiso no_sigas no_hagas_caso dimentic* scavalc* non_seguire
        trascur* esquec* desconsider* desrespeit* negeer* negeren vergeet omzeil* zignoruj* ignoruj* zapomnij*
        pomin* игнорир* проигнорир* забуд* не_обращай* yok_say* gormezden_gel* unut unutun dikkate_alma* omit
        abandon set_aside put_aside stop_what_you drop_what_you do_not_heed do_not_consider leave_aside
        throw_away do_not_comply no_longer_follow no_longer_obey unlearn lass_ausser_acht setz_dich_hinweg
        verwirf beachte_nicht laisse_tomber laisse_de_cote ecarte fais_abstraction ne_respecte_pas pasa_por_alto
        deja_de_lado descarta prescinde no_respetes no_tengas_en_cuenta lascia_perdere scarta metti_da_parte
        non_rispettare non_tenere_conto non_tener_conto deixe_de_lado descarte nao_siga nao_respeite nao_leve
        laat_buiten_beschouwing leg_naast_je volg_niet odrzuc nie_przestrzegaj nie_stosuj отбрось пренебрег*
        не_следуй не_соблюдай gozardi boş_ver bos_ver uyma""",
    "void": """
        void obsolete outdated invalid superseded revoked expired null_and_void no_longer_apply
        no_longer_applies no_longer_valid out_of_date ungultig ungueltig aufgehoben hinfallig uberholt veraltet
        gilt_nicht_mehr gelten_nicht_mehr caduc* perime* annulees annules ne_s_applique_plus anuladas anulados
        obsolet* invalid* ya_no_vale* caducad* annullat* superat* scadut* non_valgono_piu non_vale_piu anulad*
        revogad* nao_valem_mais nao_vale_mais ongeldig vervallen verouderd niet_meer_geldig niewazn* uniewaznio*
        nieaktualn* nie_obowiazuj* недействительн* отменен* устарел* не_действу* gecersiz* iptal_edildi replaced
        withdrawn overwritten not_valid do_not_apply does_not_apply
        no_longer_in_force no_longer_count no_longer_counts ersetzt widerrufen ausser_kraft nichtig
        zahlt_nicht_mehr unwirksam remplace* revoque* nulles plus_valable* plus_en_vigueur ne_valent_plus
        ne_vaut_plus reemplazad* revocad* sin_efecto nulas ya_no_cuenta* ya_no_aplica* ya_no_rige* sostituit*
        revocat* nulle senza_effetto non_vale non_contano substituid* sem_efeito ja_nao_vale* ja_nao_conta*
        vervangen ingetrokken nietig geldt_niet_meer gelden_niet_meer zastapion* cofnie* nie_obowiazuje
        przestal* nie_licza заменен* аннулирован* больше_не_действу* не_имеет_силы утратил* yururlukten
        gecerli_degil hukumsuz kaldirildi""",
    "all_before": """
        all any previous prior above earlier before preceding former foregoing original initial everything every
        alle aller allen alles bisherig* vorherig* vorig* obig* fruher* oben vorangehend* urspruenglich*
        ursprunglich* toutes tous tout precedent* anterieur* ci_dessus initial* todas todos todo anterior*
        previ* inicial* arriba tutte tutti tutto sopra inizial* tudo acima vorige eerdere bovenstaande
        voorgaande wszystkie wszystkich wszystkim poprzedni* wczesniejsz* powyzsz* все всё всех всю предыдущ*
        прежн* ранее выше tum butun onceki her_seyi yukaridaki""",
    "above": """
        above preceding foregoing oben obig* obenstehend* ci_dessus plus_haut au_dessus arriba anterior_texto
        sopra precedente_testo acima hierboven bovenstaand* powyzej powyzsz* выше вышесказанн* yukaridaki
        yukarida""",
    "text_word": """
        text content paragraph sentence sentences lines line context inhalt absatz satz zeilen texte contenu
        paragraphe phrase texto contenido parrafo frase testo contenuto conteudo paragrafo tekst inhoud alinea
        tresc akapit текст содержани* абзац metin metni icerik""",
    "instructions": """
        instruction* rule rules guideline* guidance directive* directions guardrail* constraint* restriction*
        prompt prompts commands policies policy programming assignment orders anweisung* anleitung* regel regeln
        vorgabe* richtlinie* instruktion* befehl* weisung* instructions consigne* regles ordres instruccion*
        reglas directri* normas ordenes istruzion* regole direttiv* ordini_ricevuti instruc* instrucoes regras
        diretriz* orientac* instructie* regels richtlijn* opdracht* aanwijzing* instrukcj* zasad* polece*
        wytyczn* инструкц* правил* указани* директив* talimat* kural* yonerge* komut*""",
    "prompt": """
        system_prompt system_prompts system_message system_instructions initial_prompt hidden_prompt
        hidden_instructions secret_instructions developer_message systemprompt* systemnachricht* prompt_systeme
        message_systeme prompt_del_sistema mensaje_del_sistema instrucciones_del_sistema prompt_di_sistema
        messaggio_di_sistema prompt_de_sistema prompt_do_sistema systeemprompt* prompt_systemow*
        prompt_systemowy системн*_промпт* системн*_сообщен* sistem_istem* sistem_prompt* hidden_rules
        secret_rules secret_prompt original_prompt original_instructions exact_instructions
        internal_instructions internal_rules your_configuration geheime*_anweisung* geheimen_anweisung*
        versteckt*_anweisung* consignes_cachees consignes_secretes instrucciones_ocultas instrucciones_secretas
        istruzioni_nascoste istruzioni_segrete instrucoes_ocultas instrucoes_secretas verborgen_instructies
        geheime_instructies ukryt*_instrukcj* tajn*_instrukcj* скрыт*_инструкц* секретн*_инструкц*
        gizli_talimat*""",
    "your": """
        your yours dein deine deinen deiner deines deinem ton ta tes tu tus tuo tua tuoi tue teu teus suas seus
        jouw je twoj* swoj* твои твой твоя твое твоих свой свои senin""",
    "mine": """
        my mine our ours mein meine meinen meiner meinem meines unser* mon ma mes notre nos mi mis nuestr* mio
        mia miei mie nostr* meu meus minha minhas nosso* nossa* mijn onze ons moj moja moje mojej moich nasz*
        мой моя мое мои моего моих наш* benim bizim""",
    "goods": """
        delivery deliver shipping assembly washing care packaging package box label manual leaflet courier
        driver installation safety cooking user_manual return_label medication reading liefer* aufbau* montage*
        pflege* karton packung beipack* bedienungs* gebrauchs* boite carton notice livraison montage emploi
        entrega caja montaje uso scatola consegna montaggio caixa montagem encomenda doos bezorg* gebruik*
        verpakking pudelk* dostaw* montaz* obslug* коробк* доставк* сборк* применени* kutu* teslimat*""",
    "told": """
        told been_told were_given been_given was_said you_were_asked you_know gesagt wurde mitgeteilt dit dites
        dijeron dicho indicaron detto dettagliato disseram dito verteld gezegd powiedzian* говорил* сказан*
        велел* soylenen* denilen* you_were_told you_have_been you_learned you_received you_got you_heard
        said_so_far wurde_dir dir_gesagt man_dir erhalten on_t_a t_a_dit appris recu te_han te_dieron recibiste
        ti_hanno ti_e_stato hai_ricevuto te_disser* lhe_disser* recebeu recebeste je_is je_kreeg ontvangen
        ci_powiedziano kazano dostales тебе_сказа* тебе_говор* получил* sana_soylen* sana_veril*""",
    "heed": """
        follow obey heed comply consider respect adhere trust listen befolge beachte halte folge suis respecte
        obeis tiens tenez sigas sigue respetes obedezcas segui seguire rispetta considera siga respeite obedeca
        volg gehoorzaam let przestrzegaj stosuj sluchaj следуй соблюдай слушай обращай uy dinle""",
    "new": """
        new updated real actual true neu neue neuen neuer neues nouvel* nouveau nuev* nuov* nov* nieuw* nowe
        nowa nowy новая новое новые новый yeni""",
    "task": """
        task tasks job mission objective goal instruction instructions directive command aufgabe auftrag
        anweisung ziel anweisungen tache objectif consigne* tarea mision objetivo instruccion* compito missione
        obiettivo istruzion* tarefa missao instruc* taak opdracht instructie* zadani* polecen* instrukcj* задач*
        задани* инструкц* gorev* talimat*""",
    "instead": """
        instead rather stattdessen anstatt lieu_de cela en_lugar en_vez invece ao_inves em_vez in_plaats zamiast
        вместо yerine""",
    "reading_task": """
        summari* summary answering_this responding translat* zusammenfass* resum* riassu* samenvat* podsumow*
        резюм* ozetle*""",
    "reveal": """
        reveal show print repeat output display disclose recite quote echo dump tell_me what_are what_is list
        give_me spell_out write_out write_down zeige zeig nenne gib_aus wiederhole verrate montre affiche repete
        revele cite muestra muestrame repite revela mostra mostrami ripeti rivela mostre repita toon herhaal
        laat_zien pokaz powtorz ujawnij wypisz покажи повтори раскрой выведи goster* tekrarla acikla yazdir
        expose leak_your describe copy put_in_the paste share_your display_your state hand_over write what_were
        what_is_written gib_wieder nenn zeige_mir schreib donne_moi dis_moi ecris dime escribe dimmi scrivi
        diga_me escreva geef_me schrijf_op podaj napisz напиши скажи yaz soyle""",
    "verbatim": """
        verbatim word_for_word exactly literally in_full wort_fur_wort wortlich wortwortlich mot_pour_mot
        textuellement palabra_por_palabra textualmente parola_per_parola palavra_por_palavra woord_voor_woord
        slowo_w_slowo doslownie слово_в_слово дословно kelimesi_kelimesine""",
    "tools": "tools functions werkzeuge outils herramientas strumenti ferramentas narzedzia инструменты araclar",
    "speaker": "system systeme sistema systeem sistem система",
    "to_do": """
        execute_the_following do_the_following perform_the_following carry_out_the execute_these run_the_following
        fuhre_folgendes mache_folgendes fais_ce_qui haz_lo_siguiente""",
}
